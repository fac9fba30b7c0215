import { expect, test } from "vitest";
import { createLogLines } from "./log-lines.ts";

const line = (level: string, rest: object) =>
  JSON.stringify({ level, time: "2026-01-02T03:04:05.678Z", service: "signaling", node: "signaling-2", ...rest });

test("a JSON line becomes one line with time, level, message and its other fields", () => {
  const told = createLogLines({}, false)(line("warn", { room: "demo", err: { message: "gone" }, msg: "peer lost" }));
  expect(told).toBe('[03:04:05.678] WARN: peer lost {"room":"demo","err":{"message":"gone"}}');
});

test("the filter drops lower levels and other rooms; a filter by level also drops lines of other programs", () => {
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

test("the content of a line cannot move, hide or end text on the terminal, with and without colours", () => {
  const hostile = 'x\u001b[2J\u009b31m\u202e\u200b\u2028\n[03:04:05.678] ERROR: forged {"room":"y"}';
  const codes = "x\\u001b[2J\\u009b31m\\u202e\\u200b\\u2028\\n";
  for (const colours of [false, true]) {
    const told = createLogLines({}, colours)(line("info", { room: hostile, msg: `joined ${hostile}` })) ?? "";
    expect(told).toContain(`joined ${codes}`);
    expect(told).toContain(`"room":"${codes}`);
    const esc = String.fromCharCode(27);
    expect(told.replaceAll(new RegExp(`${esc}\\[\\d+m`, "g"), "")).toMatch(/^[\x20-\x7e]+$/);
    if (!colours) expect(told).not.toContain(esc);
    else expect(told.match(new RegExp(`${esc}\\[`, "g"))?.length).toBeGreaterThan(1);
    expect(createLogLines({}, colours)(`not ours ${hostile}`)).toMatch(/^[\x20-\x7e]+$/);
  }
});
