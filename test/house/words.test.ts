import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const glossary = readFileSync(join(root, "docs/glossary.md"), "utf8");
/** The rows of the glossary's second table: a word, the folders where it is banned, and its replacement. */
const rows = [...glossary.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, word = "", folders = "", instead = ""]) => ({
    word,
    folders: folders.trim().split(", "),
    instead: instead.trim(),
  }),
);
/** Exceptions: names of other projects, and fixed texts. */
const allowed = [
  "hold-the-line:canary", // The channel's name on the wire.
  ':canary"',
  '"canary":', // The field of an entry in a stream.
  "{@link",
  "echo xz-utils",
  "a canary that must come back", // The canary itself, in a drill's lesson.
  "no sign of life",
];

test("the glossary has a list of banned words", () => {
  expect(rows.length).toBeGreaterThan(10);
});

test.each(rows)("$word is not used in $folders: $instead", ({ word, folders }) => {
  const found = folders.flatMap((folder) =>
    globSync(`${folder}/**/*.{ts,sh,yaml,yml,css,html}`, { cwd: root })
      .filter((path) => !/node_modules|\/dist\//.test(path))
      .flatMap((path) =>
        readFileSync(join(root, path), "utf8")
          .split("\n")
          .flatMap((line, index) => {
            const rest = allowed.reduce((text, name) => text.replaceAll(name, ""), line);
            const hit = rest.split(/[^A-Za-z0-9_]+/).some((one) => one.toLowerCase() === word.toLowerCase());
            return hit ? [`${path}:${index + 1}: ${line.trim()}`] : [];
          }),
      ),
  );
  expect(found).toEqual([]);
});

test("every link of the documentation leads to a file", () => {
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    ...globSync("{docs,proxy,services,ops,client,web,common,test,examples}/**/*.md", { cwd: root }),
  ].filter((path) => !path.includes("node_modules"));
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => globSync(join(root, page, "..", target)).length === 0)
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("every file named in a page or a comment exists", () => {
  const named = /\b(?:proxy|services|ops|client|common|web|grafana|deploy)\/[\w./-]+\.(?:ts|sh|cjs)\b/g;
  const texts = globSync("{*.md,docs/**/*.md,{proxy,services,ops,client,common,web}/**/*.{ts,sh,md,env}}", {
    cwd: root,
  });
  const gone = texts
    .filter((path) => path !== "CHANGELOG.md" && !/node_modules|\/dist\//.test(path))
    .flatMap((path) =>
      (readFileSync(join(root, path), "utf8").match(named) ?? [])
        .filter((name) => !existsSync(join(root, name)))
        .map((name) => `${path}: ${name}`),
    );
  expect(gone).toEqual([]);
});
