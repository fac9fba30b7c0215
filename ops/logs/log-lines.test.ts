import { expect, test } from "vitest";
import { createLogLines } from "./log-lines.ts";

const line = (level: string, rest: object) =>
  JSON.stringify({ level, time: "2026-01-02T03:04:05.678Z", service: "signaling", node: "signaling-2", ...rest });

test("a line of ours becomes time, level, message and what it adds, on one line", () => {
  const told = createLogLines({}, false)(line("warn", { room: "demo", err: { message: "gone" }, msg: "peer lost" }));
  expect(told).toBe('[03:04:05.678] WARN: peer lost {"room":"demo","err":{"message":"gone"}}');
});

test("the filter leaves out lower levels, other rooms, and, where it asks for one, lines that are not ours", () => {
  const lines = [
    line("info", { room: "a", msg: "x" }),
    line("error", { room: "a", msg: "y" }),
    line("error", { msg: "z" }),
  ];
  const left = (filter: Parameters<typeof createLogLines>[0]) =>
    lines.flatMap((one) => /: ([xyz])/.exec(createLogLines(filter, false)(one) ?? "")?.[1] ?? []);
  expect(left({})).toEqual(["x", "y", "z"]);
  expect(left({ level: "warn" })).toEqual(["y", "z"]);
  expect(left({ room: "a" })).toEqual(["x", "y"]);
  expect(left({ level: "warn", room: "a" })).toEqual(["y"]);
  expect(createLogLines({}, false)("* Ready to accept connections")).toBe("* Ready to accept connections");
  expect(createLogLines({ level: "warn" }, false)("* Ready to accept connections")).toBeUndefined();
  expect(createLogLines({}, false)('{"half":')).toBe('{"half":');
});
