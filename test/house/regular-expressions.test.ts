import { globSync, readFileSync } from "node:fs";
import { isSafePattern } from "redos-detector";
import { parseSync } from "vite";
import { expect, test } from "vitest";
import { NAMESPACE, RELAYED } from "../../common/protocol-names.ts";

/**
 * The code that reads clients' bytes: the public programs and their imports. Settings come from the operator and do not
 * count.
 */
const files = globSync("{proxy,services/signaling,common}/**/*.ts").filter(
  (path) => !path.endsWith(".test.ts") && path !== "common/config.ts",
);

interface Literal {
  path: string;
  pattern: string;
  flags: string;
}

/** Every regular expression literal of a file, and every `new RegExp` with another argument than a literal. */
function expressionsOf(path: string): { literals: Literal[]; built: string[] } {
  const text = readFileSync(path, "utf8");
  const literals: Literal[] = [];
  const built: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { type, regex, callee, start, end } = node as {
      type?: string;
      regex?: { pattern: string; flags: string };
      callee?: { name?: string };
      start: number;
      end: number;
    };
    if (type === "Literal" && regex !== undefined) literals.push({ path, ...regex });
    if ((type === "NewExpression" || type === "CallExpression") && callee?.name === "RegExp")
      built.push(`${path}: ${text.slice(start, end)}`);
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(path, text).program);
  return { literals, built };
}

/** True if the detector proves that the expression takes linear time on every input. */
function isLinear({ pattern, flags }: Omit<Literal, "path">): boolean {
  return isSafePattern(pattern, {
    caseInsensitive: flags.includes("i"),
    multiLine: flags.includes("m"),
    unicode: flags.includes("u"),
    dotAll: flags.includes("s"),
  }).safe;
}

const expressions = files.map(expressionsOf);

test("the detector finds an expression that backtracks", () => {
  for (const pattern of ["^\\s*(upgrade|close)?\\s*$", "\\s*,\\s*", "(a+)+$", "\\d+x"])
    expect([pattern, isLinear({ pattern, flags: "i" })]).toEqual([pattern, false]);
});

test("no regular expression that reads clients' bytes can backtrack", () => {
  const literals = expressions.flatMap((found) => found.literals);
  expect(literals.length).toBeGreaterThan(20);
  const backtracking = literals.filter((literal) => !isLinear(literal));
  expect(backtracking.map(({ path, pattern, flags }) => `${path}: /${pattern}/${flags}`)).toEqual([]);
});

test("expressions built at run time consist of constants and cannot backtrack", () => {
  const built = expressions.flatMap((found) => found.built).map((line) => line.split(":")[0]);
  expect(built).toEqual(["services/signaling/gateways/socketio-packet.ts"]);
  const pattern = `^4(?:2|5(\\d{1,4})-)${NAMESPACE},\\["(?:${RELAYED.join("|")})",`;
  expect(expressions.flatMap((found) => found.built)[0]).toContain("NAMESPACE},");
  expect(isLinear({ pattern, flags: "" })).toBe(true);
});
