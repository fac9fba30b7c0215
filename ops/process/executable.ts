import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Full path of the first of `names` that is on `path` (`PATH`) or in Debian's sbin; undefined if there is none. */
export function findExecutable(names: readonly string[], path = ""): string | undefined {
  const dirs = [...path.split(delimiter).filter((dir) => dir !== ""), "/usr/sbin", "/usr/local/bin"];
  return names.flatMap((name) => dirs.map((dir) => join(dir, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return false;
    throw error;
  }
}
