import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { ConfigError, flag, list, loadConfig, port, secret, wholeNumber } from "./config.ts";

const schema = z.object({
  PORT: port().default(3000),
  NODE_ID: z.string().min(1),
  SIZE: wholeNumber(1, 10).default(5),
  STRICT: flag().default(false),
  PATHS: list().default([]),
  KEY: secret(z.string().min(4)).optional(),
});

test("defaults fill what is unset, and an empty string is unset", () => {
  expect(loadConfig(schema, { NODE_ID: "signaling-1", PORT: "" })).toEqual({
    PORT: 3000,
    NODE_ID: "signaling-1",
    SIZE: 5,
    STRICT: false,
    PATHS: [],
  });
});

test("one message names every bad variable and its value", () => {
  const load = () => loadConfig(schema, { PORT: "http", SIZE: "11" });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(
    /PORT=http: must be a whole number.*NODE_ID is not set.*SIZE=11: must be a whole number from 1 to 10/,
  );
});

test("a secret comes from its file, the variable wins, and its value is never printed", () => {
  const path = join(mkdtempSync(join(tmpdir(), "config-")), "key");
  writeFileSync(path, "from-file\n");
  expect(loadConfig(schema, { NODE_ID: "a", KEY_FILE: path }).KEY).toBe("from-file");
  expect(loadConfig(schema, { NODE_ID: "a", KEY_FILE: path, KEY: "from-env" }).KEY).toBe("from-env");
  expect(() => loadConfig(schema, { NODE_ID: "a", KEY: "hid" })).toThrow(/^(?!.*hid)bad configuration: KEY: /);
  expect(() => loadConfig(schema, { NODE_ID: "a", KEY_FILE: "/no/such" })).toThrow(
    /KEY_FILE=\/no\/such cannot be read \(ENOENT\)/,
  );
});

test("lists drop blanks, switches take words", () => {
  const config = loadConfig(schema, { NODE_ID: "a", PATHS: " /ws, ,/x/ ", STRICT: "on" });
  expect(config.PATHS).toEqual(["/ws", "/x/"]);
  expect(config.STRICT).toBe(true);
});
