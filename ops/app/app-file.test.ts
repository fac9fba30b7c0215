import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readApp } from "./app-file.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "app-"));
});
afterEach(() => rmSync(dir, { recursive: true }));
function write(text: string): string {
  const file = join(dir, "app.env");
  writeFileSync(file, text);
  return file;
}

test("a file with only a command gets defaults; variables without APP_ go to the application", () => {
  const app = readApp(write("APP_COMMAND=node server.js --port $PORT\nAPP_PEER=./peer.ts\nSECRET='a b'\n"));
  expect(app).toMatchObject({
    command: "node server.js --port $PORT",
    dir,
    readyPath: "/",
    paths: "/*",
    peer: { kind: join(dir, "peer.ts") },
    env: { SECRET: "a b" },
  });
});

test.for([
  ["APP_COMAND=x\nAPP_IMAGE=y", "APP_COMAND is not known"],
  ["APP_COMMAND=x\nAPP_READY=health", "APP_READY must be a path"],
  ["APP_COMMAND=x\nAPP_PORT=99999", "APP_PORT"],
  ["PORT=1", "set APP_COMMAND for ENGINE=process"],
])("%s is refused in one line", ([text, message]) => {
  expect(() => readApp(write(text as string))).toThrow(message as string);
  expect(() => readApp(write(text as string))).not.toThrow("\n");
});

test("a missing file is named", () => {
  expect(() => readApp(join(dir, "none.env"))).toThrow(/none\.env: there is no such file/);
});
