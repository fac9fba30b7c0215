import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseReplicas } from "./replica-spec.ts";
import { openTableFile } from "./table-file.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "table-"));
  path = join(dir, "table.json");
});
afterEach(() => rmSync(dir, { recursive: true }));

const configured = parseReplicas("a=http://a,b=http://b");
const read = () => {
  const { specs, drained } = openTableFile(path).applyTo(configured);
  return { urls: specs.map(({ id, url }) => `${id} ${url.hostname}`), drained: [...drained] };
};

test("changes of several proxies add up, and are laid over the configuration", () => {
  const [one, other] = [openTableFile(path), openTableFile(path)];
  expect(read()).toEqual({ urls: ["a a", "b b"], drained: [] });
  one.change("c", { spec: { url: "http://c" } });
  other.change("b", { drained: true });
  one.change("a", { spec: { url: "http://moved" } });
  expect(read()).toEqual({ urls: ["a moved", "b b", "c c"], drained: ["b"] });
  other.change("b", { drained: false });
  one.change("c", { spec: null });
  expect(read()).toEqual({ urls: ["a moved", "b b"], drained: [] });
});

test("a file that is none of ours is refused with its name", () => {
  writeFileSync(path, "{");
  expect(() => openTableFile(path).applyTo(configured)).toThrow(`${path} is no table of replicas`);
});

test("without a file nothing is kept", () => {
  const none = openTableFile(undefined);
  none.change("a", { drained: true });
  expect(none.applyTo(configured).drained.size).toBe(0);
});
