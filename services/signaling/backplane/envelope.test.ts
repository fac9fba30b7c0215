import { expect, test } from "vitest";
import { backplaneKey, createEnvelope } from "./envelope.ts";

const key = backplaneKey({ BACKPLANE_SECRET: "a secret of the test" });
const channel = Buffer.from("room:é");
const sender = createEnvelope(key);
const seal = (payload: Buffer | string, now: number) => sender.seal(channel.toString(), payload, now);
const open = (message: Buffer, now: number, on = channel, with_ = key) => createEnvelope(with_).open(on, message, now);

test("a sealed message opens unchanged, with its transit time", () => {
  expect(open(seal(Buffer.from([0, 255, 7]), 1_000), 1_004)).toEqual({
    ok: true,
    payload: Buffer.from([0, 255, 7]),
    transitMs: 4,
  });
  expect(open(seal("é", 1_000), 1_000)).toMatchObject({ payload: Buffer.from("é") });
});

test("more than a second in transit is stale, a second is not", () => {
  expect(open(seal("x", 1_000), 2_000).ok).toBe(true);
  expect(open(seal("x", 1_000), 2_001)).toMatchObject({ ok: false, reason: "stale" });
});

test("other bytes than an envelope are foreign", () => {
  for (const text of ["", "poison", "a long poisoned payload, longer than an empty envelope"])
    expect(open(Buffer.from(text), 0)).toMatchObject({ ok: false, reason: "foreign" });
});

test("a sender's clock that runs ahead gives no negative transit time", () => {
  expect(open(seal("x", 5_000), 4_000)).toMatchObject({ ok: true, transitMs: 0 });
});

test("no bit of an envelope can be changed, nor its channel or key", () => {
  const message = seal("payload", 1_000);
  for (let at = 0; at < message.length; at += 1) {
    const changed = Buffer.from(message);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(open(changed, 1_000).ok, `byte ${at}`).toBe(false);
  }
  const cut = Buffer.concat([message.subarray(0, -17), message.subarray(-16)]);
  expect(open(cut, 1_000)).toMatchObject({ reason: "forged" });
  expect(open(message, 1_000, Buffer.from("room:e"))).toMatchObject({ reason: "forged" });
  const otherKey = backplaneKey({ BACKPLANE_SECRET: "another secret of the test" });
  expect(open(message, 1_000, channel, otherKey)).toMatchObject({ reason: "forged" });
});

test("bytes cannot be moved between the payload and the channel", () => {
  const message = sender.seal("bc", "a", 1_000);
  expect(createEnvelope(key).open(Buffer.from("bc"), message, 1_000).ok).toBe(true);
  const moved = Buffer.concat([message.subarray(0, -16), Buffer.from("b"), message.subarray(-16)]);
  expect(createEnvelope(key).open(Buffer.from("c"), moved, 1_000)).toMatchObject({ reason: "forged" });
});

test("an envelope opens once in a process, in any order", () => {
  const receiver = createEnvelope(key);
  const messages = Array.from({ length: 20 }, (_, n) => seal(String(n), 1_000));
  for (const message of messages.toReversed()) expect(receiver.open(channel, message, 1_000).ok).toBe(true);
  for (const message of messages)
    expect(receiver.open(channel, message, 1_000)).toMatchObject({ ok: false, reason: "replayed" });
});

test("a message of a clock that runs ahead opens only once while it is fresh", () => {
  const receiver = createEnvelope(key);
  const message = seal("x", 60_000);
  expect(receiver.open(channel, message, 1_000).ok).toBe(true);
  // Another sender appears, which is when senders of the past are forgotten.
  receiver.open(channel, createEnvelope(key).seal(channel.toString(), "y", 30_000), 30_000);
  expect(receiver.open(channel, message, 60_500)).toMatchObject({ reason: "replayed" });
  expect(receiver.open(channel, message, 61_001)).toMatchObject({ reason: "stale" });
});

test("without BACKPLANE_SECRET the key is derived from RESUME_SECRET and differs from it", () => {
  const derived = backplaneKey({ RESUME_SECRET: "a secret of the test" });
  expect(derived.equals(key)).toBe(true);
  expect(derived.toString()).not.toContain("secret");
  expect(backplaneKey({ BACKPLANE_SECRET: "one of its own, long", RESUME_SECRET: "x" }).equals(derived)).toBe(false);
});

test("stored texts prove their place and their limits", () => {
  const mac = sender.sign("session", ["ab", "c"]);
  expect(createEnvelope(key).isSigned("session", ["ab", "c"], mac)).toBe(true);
  for (const [place, texts] of [
    ["stream", ["ab", "c"]],
    ["session", ["a", "bc"]],
    ["session", ["abc"]],
  ] as const)
    expect(sender.isSigned(place, texts, mac)).toBe(false);
  expect(sender.isSigned("session", ["ab", "c"], "")).toBe(false);
});
