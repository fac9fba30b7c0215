import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { readVersion } from "../../common/version.ts";

/** Makes the folder of a report: `reports/<time>-<name>`. */
export function makeReportDir(root: string, startedAt: number, name: string): string {
  const time = new Date(startedAt).toISOString().replace(/[:.]/g, "-");
  const dir = join(root, "reports", `${time}-${name}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/**
 * The folder of this stack's newest report, also if other stacks of the checkout have written later ones. Undefined if
 * there is none.
 */
export function lastReport(root: string, stack: string): string | undefined {
  const dir = join(root, "reports");
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => /^\d{4}-/.test(name)) : [];
  const last = names
    .sort()
    .reverse()
    .find((name) => stackOf(join(dir, name, "report.json")) === stack);
  return last === undefined ? undefined : join(dir, last);
}

/** The stack of a report; undefined while the report is being written. */
function stackOf(path: string): string | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { stack?: string }).stack : undefined;
}

/** The version and the host, for a report. */
export const environment = (root: string) => ({
  version: readVersion(root),
  node: process.version,
  os: `${process.platform} ${release()}`,
  arch: process.arch,
});
