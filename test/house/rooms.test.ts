import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const maxFiles = 15;
const maxLines = 250;
/** Folders of like things: each file is one drill, or one test. */
const ofLikeThings = ["ops/drills"];
/** Generated files and data. */
const generated = /(^|\/)(node_modules|dist|coverage)\/|^(reports|certs|grafana\/dashboards)\//;

const code = globSync("*/**/*.{ts,tsx,js,mjs,sh}", { cwd: root, exclude: ["node_modules"] })
  .filter((path) => !generated.test(path) && !path.startsWith("."))
  .sort();
const sources = code.filter((path) => !/\.test\.ts$/.test(path));

/** Number of lines of a file, also if the last one has no line end. */
function lineCount(path: string): number {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  return lines.at(-1) === "" ? lines.length - 1 : lines.length;
}

test(`no code folder has more than ${maxFiles} files beside tests`, () => {
  expect(sources.length).toBeGreaterThan(100);
  const full = [...Map.groupBy(sources, (path) => dirname(path))]
    .filter(([folder, files]) => files.length > maxFiles && !ofLikeThings.includes(folder))
    .map(([folder, files]) => `${folder}: ${files.length} files, at most ${maxFiles}: give it rooms`);
  expect(full).toEqual([]);
});

test(`no source file has more than ${maxLines} lines`, () => {
  const long = sources
    .map((path) => ({ path, lines: lineCount(path) }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}: ${lines} lines, at most ${maxLines}`);
  expect(long).toEqual([]);
});

test("no spread of an object literal steers the formatter", () => {
  const steered = code.filter((path) => /\.\.\.\{ [a-z]/.test(readFileSync(join(root, path), "utf8")));
  expect(steered).toEqual([]);
});

test("every folder has a README.md with its content and the rules for changes", () => {
  const rooms = [...Map.groupBy(sources, (path) => dirname(path))].filter(([, files]) => files.length > 1);
  const silent = rooms
    .map(([folder]) => folder)
    .filter((folder) => !/^(deploy|redis|web)(\/|$)/.test(folder) && !existsSync(join(root, folder, "README.md")));
  expect(silent).toEqual([]);
});
