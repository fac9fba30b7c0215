import { existsSync } from "node:fs";
import { join } from "node:path";
import { readSecret } from "../../common/config.ts";
import { CannotError } from "../stack/engine.ts";

/** Of a stack's layout: the repository, and what was set at `up`. */
interface Layout {
  root: string;
  settings: Readonly<Record<string, string>>;
}

/** Where a secret of this checkout is; ops/sh/secrets.sh makes it. */
export const secretPath = ({ root }: Pick<Layout, "root">, name: string) => join(root, ".secrets", name);

/**
 * A secret of the stack: the setting of that name or the file that `<NAME>_FILE` names, else its file under
 * `.secrets/`; undefined where neither is.
 */
export function secretOf(layout: Layout, name: string): string | undefined {
  const given = layout.settings[name];
  if (given !== undefined) return given;
  const path = layout.settings[`${name}_FILE`] ?? secretPath(layout, name);
  return (existsSync(path) ? readSecret(path) : "") || undefined;
}

/** @throws CannotError where the secret is missing: nothing starts open to everybody because a password is missing */
export function neededSecret(layout: Layout, name: string): string {
  const value = secretOf(layout, name);
  if (value === undefined)
    throw new CannotError(`there is no .secrets/${name}: make up makes it (sh ops/sh/secrets.sh)`);
  return value;
}

/**
 * `<NAME>_FILE` of those that have a file and are not given as settings: what is in a file is in no process's
 * environment.
 */
export function secretFiles(layout: Layout, names: readonly string[]): Record<string, string> {
  const files = names
    .map((name) => [name, secretPath(layout, name)] as const)
    .filter(([name]) => layout.settings[name] === undefined && layout.settings[`${name}_FILE`] === undefined)
    .filter(([, path]) => existsSync(path));
  return Object.fromEntries(files.map(([name, path]) => [`${name}_FILE`, path]));
}
