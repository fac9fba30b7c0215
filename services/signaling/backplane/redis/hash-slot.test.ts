import { expect, test } from "vitest";
import { hashSlot } from "./hash-slot.ts";

test("slots are those of CLUSTER KEYSLOT", () => {
  // The check value of CRC16-XMODEM for "123456789" is 0x31c3 (cluster specification, appendix A).
  expect(hashSlot("123456789")).toBe(0x31c3);
  expect(hashSlot("")).toBe(0);
});

test("a hash tag decides, an empty one does not", () => {
  expect(hashSlot("room:{a}b")).toBe(hashSlot("a"));
  expect(hashSlot("{}a")).not.toBe(hashSlot("a"));
  expect(hashSlot("{a")).not.toBe(hashSlot("a"));
});
