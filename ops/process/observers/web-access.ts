import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { stringify } from "yaml";

/** User name of the guard, and of Prometheus at Alertmanager. */
export const guardUser = "guard";

/** Files that make Prometheus and Alertmanager require a password, which the guard and Prometheus know. */
export interface WebAccess {
  /** `--web.config.file` of both. */
  config: string;
  passwordFile: string;
}

/**
 * Chooses a password for the listeners behind the guard and writes it, and its bcrypt hash in the form of both programs
 * (https://prometheus.io/docs/prometheus/latest/configuration/https/). On one host a page in a browser can reach their
 * own ports too. Without the password those answer 401.
 *
 * @param dir of the stack's state
 */
export function writeWebAccess(dir: string): WebAccess {
  const folder = join(dir, "web");
  mkdirSync(folder, { recursive: true });
  const [config, passwordFile] = [join(folder, "web.yml"), join(folder, "password")];
  // On a running stack the guard and Prometheus already use the existing password.
  if (existsSync(config) && existsSync(passwordFile)) return { config, passwordFile };
  const password = randomBytes(24).toString("base64url");
  // The lowest cost is enough, since 192 bits cannot be guessed. Each request pays for one check.
  writeFileSync(config, stringify({ basic_auth_users: { [guardUser]: hashSync(password, 4) } }), { mode: 0o600 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  return { config, passwordFile };
}
