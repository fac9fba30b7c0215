import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { schema } from "../../ops/app/app-file.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const variables = Object.keys(schema.shape);
/** Variables that make sets from the file, only for Compose. */
const made = ["APP_ENV_FILE", "APP_FOLDER", "APP_PROMETHEUS", "APP_REDIS_PASSWORD"];

test("docs/adopt.md lists every variable of an application's file", () => {
  const listed = new Set([...read("docs/adopt.md").matchAll(/`(APP_[A-Z_]+)`/g)].map((match) => match[1]));
  expect(variables.filter((name) => !listed.has(name))).toEqual([]);
  expect([...listed].filter((name) => !variables.includes(name ?? ""))).toEqual([]);
});

test("the compose overlay uses only variables of that file and those that make sets", () => {
  const used = new Set([...read("deploy/app/compose.yaml").matchAll(/\$\{(APP_[A-Z_]+)/g)].map((match) => match[1]));
  expect([...used].filter((name) => ![...variables, ...made].includes(name ?? ""))).toEqual([]);
  expect(made.filter((name) => !used.has(name))).toEqual([]);
});

test("make unsets every variable of the file in the environment before it reads the file", () => {
  const cleared =
    /for name in ((?:[A-Z_]+|\\\n|\s)+); do unset/.exec(read("ops/sh/app.sh"))?.[1]?.match(/[A-Z_]+/g) ?? [];
  const onCompose = variables.filter((name) => !["APP_COMMAND", "APP_DIR"].includes(name));
  expect(cleared.map((name) => `APP_${name}`).sort()).toEqual(onCompose.sort());
});
