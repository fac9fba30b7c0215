import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "secrets-"));
symlinkSync(join(root, "ops"), join(dir, "ops"));
afterAll(() => rmSync(dir, { recursive: true }));

const run = (env: Record<string, string>) =>
  execFileSync("sh", ["ops/sh/secrets.sh"], { cwd: dir, env: { PATH: process.env["PATH"], STACK: "blue", ...env } });
const text = (name: string) => readFileSync(join(dir, ".secrets", name), "utf8");

test("missing secrets are created once; a given one is stored for its stack only", () => {
  run({});
  const made = text("JWT_SECRET");
  expect(made).toMatch(/^[0-9a-f]{64}$/);
  expect(existsSync(join(dir, ".secrets", "JWT_SECRET.blue"))).toBe(false);
  run({ JWT_SECRET: "given: $(id) 'quoted'" });
  expect(text("JWT_SECRET")).toBe(made);
  expect(text("JWT_SECRET.blue")).toBe("given: $(id) 'quoted'");
});
