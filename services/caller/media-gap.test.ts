import { beforeEach, expect, test } from "vitest";
import { createGapMeter } from "./media-gap.ts";

let interruptions: number;
let meter: ReturnType<typeof createGapMeter>;
beforeEach(() => {
  interruptions = 0;
  meter = createGapMeter(() => {
    interruptions += 1;
  });
});

test("an even stream is never interrupted", () => {
  for (let at = 0; at < 5_000; at += 50) {
    meter.tick(at);
    meter.received();
  }
  expect(interruptions).toBe(0);
});

test("a silence of over a second is one interruption, and its end reports its length", () => {
  for (let at = 0; at <= 3_000; at += 50) meter.tick(at);
  expect(interruptions).toBe(1);
  expect(meter.received()).toBe(3_000);
  expect(meter.received()).toBe(0);
});

test("a stalled process does not count as a gap of the media", () => {
  meter.tick(0);
  meter.tick(3_000);
  meter.tick(3_050);
  expect(interruptions).toBe(0);
});
