import { expect, test } from "vitest";
import { eventSize } from "./event-size.ts";

const encoded = (args: unknown[]) => Buffer.byteLength(JSON.stringify(args));

test("an event's size is never below its JSON and only slightly above it", () => {
  const nasty = ["\u0000".repeat(100), '"\\'.repeat(50), "\ud800".repeat(20), "é🙂".repeat(30), "v=0\r\n".repeat(200)];
  const events: unknown[][] = [
    ["offer", { roomId: "room", description: { type: "offer", sdp: "v=0\r\na=x\r\n" } }],
    ["offer", { roomId: "r", x: nasty, [nasty[0] ?? ""]: 1, "\ud800": null }],
    ["x", [0, -1, 1e21, 1.5, -999_999, 1e308, 2 ** 53, -1.234567890123456e-300, true, false, null]],
    ["x", {}, [], "", [[[]]], { a: { b: { c: [] } } }],
  ];
  for (const event of events) {
    const size = eventSize(event);
    expect(size?.json).toBeGreaterThanOrEqual(encoded(event) - 1);
    expect(size?.json).toBeLessThan(encoded(event) * 1.5 + 40);
    expect(size?.packets).toBe(size?.json);
  }
});

test("escaped characters count with their encoded size", () => {
  expect(eventSize(["\u0000".repeat(10_000)])?.json).toBeGreaterThan(60_000);
});

test("binary parts count their bytes as packets, and what /ws makes of them as JSON", () => {
  const bytes = Buffer.alloc(10_000, 255);
  const size = eventSize(["candidate", { bytes }]);
  expect(size?.packets).toBeGreaterThan(10_000);
  expect(size?.packets).toBeLessThan(10_100);
  expect(size?.json).toBeGreaterThanOrEqual(encoded(["candidate", { bytes }]));
});

test("an event with more than 64 levels has no size", () => {
  let deep: unknown = "bottom";
  for (let level = 0; level < 63; level += 1) deep = [deep];
  expect(eventSize([deep])).toBeDefined();
  expect(eventSize([[deep]])).toBeUndefined();
});

test("where an event cannot be too large it is not measured exactly, and never as less than it is", () => {
  const event = ["offer", { roomId: "r", sdp: "\u0000".repeat(99), text: "é🙂\ud800", bytes: Buffer.alloc(99, 255) }];
  const exact = eventSize(event);
  const enough = eventSize(event, 4_000);
  expect(enough?.json).toBeGreaterThanOrEqual(exact?.json ?? Number.POSITIVE_INFINITY);
  expect(enough?.packets).toBeGreaterThanOrEqual(exact?.packets ?? Number.POSITIVE_INFINITY);
  expect(eventSize(event, 1_000)).toEqual(exact);
});
