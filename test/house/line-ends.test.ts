import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("a clone with core.autocrlf=true has the line ends that the scripts need", () => {
  const dir = mkdtempSync(join(tmpdir(), "autocrlf-"));
  const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8" });
  try {
    git(root, "clone", "--quiet", "--shared", "--config", "core.autocrlf=true", "--config", "core.eol=crlf", root, dir);
    const ends = git(dir, "ls-files", "--eol").trim().split("\n");
    expect(ends.length).toBeGreaterThan(100);
    expect(ends.filter((line) => /^i\/(crlf|mixed)|\sw\/(crlf|mixed)/.test(line))).toEqual([]);
    expect(ends.filter((line) => line.startsWith("i/-text")).every((line) => line.endsWith(".png"))).toBe(true);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
