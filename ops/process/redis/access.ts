import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { neededSecret } from "../secrets.ts";
import type { StackLayout } from "../state-dir.ts";

/** Rights that exist since a version of Redis. An older Redis refuses an ACL file that names them. */
const since: readonly (readonly [right: string, major: number, minor: number])[] = [["+client|setinfo", 7, 2]];

/** The users of a single server, of a server beside Sentinels, of a Sentinel, and of a cluster's server. */
const filesOf = {
  server: ["users.acl"],
  failover: ["users.acl", "failover.acl"],
  sentinel: ["sentinel.acl"],
  cluster: ["users.acl", "cluster.acl"],
} as const;

/**
 * Writes the users of a server of this stack into `dir`, with their passwords as hashes. They are those of the compose
 * engine, without rights that the installed Redis does not know.
 *
 * @returns the path of the written file, which only its owner can read
 * @throws CannotError if a password is missing
 */
export function writeRedisUsers(
  layout: Pick<StackLayout, "root" | "settings" | "app">,
  kind: keyof typeof filesOf,
  dir: string,
): string {
  const path = join(dir, "users.acl");
  // An application's keys and channels are unknown, so it may use all of them.
  const files = layout.app === undefined ? filesOf[kind] : [...filesOf[kind], "app.acl"];
  const template = files.map((file) => readFileSync(join(layout.root, "redis", file), "utf8")).join("");
  const version = execFileSync("redis-server", ["--version"], { encoding: "utf8" });
  writeFileSync(
    path,
    renderUsers(template, version, (name) => neededSecret(layout, name)),
    { mode: 0o600 },
  );
  return path;
}

/** A directory of a server's files. Only its owner can look into it: a Redis makes a file that it rewrites readable for all. */
export function privateDir({ dir }: Pick<StackLayout, "dir">, id: string): string {
  const path = join(dir, id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** `template` with each `#NAME` replaced by the hash of that password, and without the rights that `version` lacks. */
export function renderUsers(template: string, version: string, password: (name: string) => string): string {
  const [, major = 0, minor = 0] = (/v=(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const unknown = since.filter(([, from, minorFrom]) => major < from || (major === from && minor < minorFrom));
  return unknown
    .reduce((text, [right]) => text.replaceAll(` ${right}`, ""), template)
    .replace(/#([A-Z_]+)/g, (_, name: string) => `#${createHash("sha256").update(password(name)).digest("hex")}`);
}
