import { existsSync } from "node:fs";
import { join } from "node:path";
import { readSecret } from "../../common/config.ts";
import { CannotError } from "../stack/engine.ts";
import type { StackLayout } from "./state-dir.ts";

type Layout = Pick<StackLayout, "root" | "settings">;

/** Path of a secret of this checkout. ops/sh/secrets.sh creates it. */
export const secretPath = ({ root }: Pick<Layout, "root">, name: string) => join(root, ".secrets", name);

/**
 * A secret of the stack: the setting of that name, or the file that `<NAME>_FILE` names, else its file under
 * `.secrets/`. Undefined if none exists.
 */
export function secretOf(layout: Layout, name: string): string | undefined {
  const given = layout.settings[name];
  if (given !== undefined) return given;
  const path = layout.settings[`${name}_FILE`] ?? secretPath(layout, name);
  return (existsSync(path) ? readSecret(path) : "") || undefined;
}

/** @throws CannotError if the secret is missing, so that no program starts without its password */
export function neededSecret(layout: Layout, name: string): string {
  const value = secretOf(layout, name);
  if (value === undefined)
    throw new CannotError(`there is no .secrets/${name}: make up makes it (sh ops/sh/secrets.sh)`);
  return value;
}

/**
 * `<NAME>_FILE` variables of the secrets that have a file and are not given as settings. A secret in a file is not in a
 * process's environment.
 */
export function secretFiles(layout: Layout, names: readonly string[]): Record<string, string> {
  const files = names
    .map((name) => [name, secretPath(layout, name)] as const)
    .filter(([name]) => layout.settings[name] === undefined && layout.settings[`${name}_FILE`] === undefined)
    .filter(([, path]) => existsSync(path));
  return Object.fromEntries(files.map(([name, path]) => [`${name}_FILE`, path]));
}
