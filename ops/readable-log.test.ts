import { expect, test } from "vitest";
import { messageOf, readableLogLine } from "./readable-log.ts";

const line = JSON.stringify({
  level: "warn",
  time: "2026-01-02T03:04:05.678Z",
  service: "signaling",
  node: "signaling-2",
  room: "demo",
  err: { message: "gone" },
  msg: "peer lost",
});

test("a JSON log line becomes time, level, message and what the line adds", () => {
  expect(readableLogLine(line)).toBe('03:04:05.678 warn  peer lost room=demo err={"message":"gone"}');
  expect(messageOf(line)).toBe("peer lost room=demo");
});

test("other lines stay as they are", () => {
  for (const other of ["* Ready to accept connections", '{"half":', '{"a":1}', ""]) {
    expect(readableLogLine(other)).toBe(other);
    expect(messageOf(other)).toBe(other);
  }
});
