import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The version of a checkout: that of package.json, and the commit if it is a repository. */
export function readVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const commit = commitOf(join(root, ".git"));
  return commit === undefined ? version : `${version}+${commit.slice(0, 7)}`;
}

/** The commit of HEAD, from the files of the repository (gitrepository-layout); undefined in an image. */
function commitOf(git: string): string | undefined {
  if (!existsSync(join(git, "HEAD"))) return undefined;
  const head = readFileSync(join(git, "HEAD"), "utf8").trim();
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  if (ref === undefined) return head;
  if (existsSync(join(git, ref))) return readFileSync(join(git, ref), "utf8").trim();
  const packed = join(git, "packed-refs");
  const text = existsSync(packed) ? readFileSync(packed, "utf8") : "";
  return text
    .split("\n")
    .find((line) => line.endsWith(` ${ref}`))
    ?.split(" ")[0];
}
