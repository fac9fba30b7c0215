import { expect, test } from "vitest";
import { largestMessageBytes } from "./wire-size.ts";

/** The text around a payload `{blob}`: event, room and the envelope. */
const around = 64 + '["offer",{"roomId":"r","blob":""}]'.length;

test.for([
  ["text", "x".repeat(900), around + 900],
  ["characters of two bytes", "é".repeat(450), around + 900],
  ["emoji, four bytes each", "🙂".repeat(250), around + 1_000],
  ["control characters, six bytes each as JSON", "\u0001".repeat(200), around + 1_200],
  ["a lone surrogate, six bytes as JSON", "\ud800", around + 6],
  ["binary, as base64", new Uint8Array(690), 64 + 920],
  ["a Buffer", Buffer.alloc(690), 64 + 920],
] as const)("%s", ([, blob, bytes]) => {
  expect(largestMessageBytes("offer", { roomId: "r", blob })).toBe(bytes);
});

test("binary parts at any place are messages of their own", () => {
  const signal = { roomId: "r", one: new Uint8Array(600), deep: [{ two: new ArrayBuffer(690) }] };
  expect(largestMessageBytes("offer", signal)).toBe(64 + 920);
});

test("a circular reference throws", () => {
  const signal: Record<string, unknown> & { roomId: string } = { roomId: "r" };
  signal["self"] = signal;
  expect(() => largestMessageBytes("offer", signal)).toThrow(TypeError);
});
