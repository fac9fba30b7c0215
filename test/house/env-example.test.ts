import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { envExample } from "./env-example.ts";

const root = join(import.meta.dirname, "../..");

test(".env.example lists every variable of every program (vitest run -u rewrites it)", async () => {
  await expect(envExample()).toMatchFileSnapshot(join(root, ".env.example"));
});

test("every variable has a meaning", () => {
  const lines = envExample().split("\n");
  const unexplained = lines.filter((line, index) => /^#[A-Z]/.test(line) && !/^# \S/.test(lines[index - 1] ?? ""));
  expect(unexplained).toEqual([]);
});

test("the variables of compose.yaml and its overlays are listed", () => {
  const files = ["compose.yaml", ...globSync("deploy/*/*.yaml", { cwd: root })];
  const used = files.flatMap((file) => [...readFileSync(join(root, file), "utf8").matchAll(/\$\{([A-Z]\w*)/g)]);
  // An application's variables come from its own file (app-file.test.ts).
  const listed = new Set([...envExample().matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]));
  expect(
    [...new Set(used.map((match) => match[1]))].filter((name) => !name?.startsWith("APP_") && !listed.has(name)),
  ).toEqual([]);
});
