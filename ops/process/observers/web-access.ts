import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { stringify } from "yaml";

/** The user that the guard is, and Prometheus at Alertmanager. */
export const guardUser = "guard";

/** Files by which Prometheus and Alertmanager ask for a password that the guard and Prometheus know. */
export interface WebAccess {
  /** `--web.config.file` of both. */
  config: string;
  passwordFile: string;
}

/**
 * Chooses a password for the listeners behind the guard and writes it, and its bcrypt hash as both programs want it
 * (https://prometheus.io/docs/prometheus/latest/configuration/https/). On one host the guard's port is not the only
 * one that a page in a browser reaches: without the password the other one answers 401.
 *
 * @param dir of the stack's state
 */
export function writeWebAccess(dir: string): WebAccess {
  const folder = join(dir, "web");
  mkdirSync(folder, { recursive: true });
  const [config, passwordFile] = [join(folder, "web.yml"), join(folder, "password")];
  // On a running stack the guard and Prometheus have the one that is there.
  if (existsSync(config) && existsSync(passwordFile)) return { config, passwordFile };
  const password = randomBytes(24).toString("base64url");
  // The cheapest cost: nobody guesses 192 bits, and each request is checked against it.
  writeFileSync(config, stringify({ basic_auth_users: { [guardUser]: hashSync(password, 4) } }), { mode: 0o600 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  return { config, passwordFile };
}
