import { afterEach, expect, test } from "vitest";
import { spareStacksOfResets } from "./reset-errors.ts";

const before = Error.prepareStackTrace;
afterEach(() => {
  Error.prepareStackTrace = before as NonNullable<typeof before>;
});

test("errors read as V8 writes them, resets have no stack", () => {
  const make = (code: string) => Object.assign(new TypeError(`of ${code}`), { code });
  Error.prepareStackTrace = undefined as never;
  const [plain, withV8] = [make("A"), make("A").stack];
  spareStacksOfResets();
  expect(linesOf(make("A").stack)).toEqual(linesOf(withV8));
  expect(linesOf(plain.stack).length).toBeGreaterThan(3);
  expect(make("ECONNRESET").stack).toBe("TypeError: of ECONNRESET");
});

/** Without line and column: the errors were made on different lines. */
function linesOf(stack: string | undefined): string[] {
  return (stack ?? "").split("\n").map((line) => line.replace(/:\d+:\d+/, ""));
}
