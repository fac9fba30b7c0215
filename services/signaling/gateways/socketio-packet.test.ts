import fc from "fast-check";
import { Server } from "socket.io";
import { expect, test } from "vitest";
import { type Address, encodePacket, readAddressed, writeAddressed } from "./socketio-packet.ts";

const { encoder } = new Server() as unknown as { encoder: Parameters<typeof encodePacket>[0] };
const address: Address = { target: "room", isPeer: false, skip: ["away"] };
/** Text of a frame, and how long its header says that it is. */
const textOf = ({ frame, textAt }: { frame: Buffer; textAt: number }) => frame.toString("utf8", textAt);

test("a packet of any length, with any binary parts, is read as it was written", () => {
  const signal = fc.record({
    roomId: fc.string({ minLength: 1, maxLength: 128 }),
    sdp: fc.oneof(
      fc.string({ unit: "binary" }),
      fc.nat({ max: 70_000 }).map((length) => "é".repeat(length / 2)),
    ),
    parts: fc.array(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 3 },
    ),
  });
  fc.assert(
    fc.property(signal, fc.string(), fc.boolean(), fc.array(fc.string()), (given, target, isPeer, skip) => {
      const packet = encodePacket(encoder, "offer", given);
      const read = readAddressed(writeAddressed({ target, isPeer, skip }, packet));
      expect(read.address).toEqual({ target, isPeer, skip });
      expect(textOf(read.packet)).toBe(textOf(packet));
      expect(read.packet.frame.equals(packet.frame)).toBe(true);
      expect(read.packet.attachments.map((part) => Buffer.from(part))).toEqual(given.parts);
    }),
    { numRuns: 300 },
  );
});

test("the frame has the header of RFC 6455 for its length", () => {
  for (const [length, textAt] of [
    [10, 2],
    [300, 4],
    [70_000, 10],
  ] as const) {
    const packet = encodePacket(encoder, "bye", { text: "x".repeat(length) });
    expect([packet.frame[0], packet.textAt]).toEqual([0x81, textAt]);
    expect(textOf(packet).startsWith('42/signaling,["bye",{"text":"xxx')).toBe(true);
  }
});

/** A frame with any text, as one who has the key might forge it. */
function forged(text: string, attachments: Buffer[] = []): Buffer {
  const frame = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
  return writeAddressed(address, { frame, textAt: 2, attachments });
}

test.each([
  ["a DISCONNECT, which would make clients give up", forged("41/signaling,")],
  ["an event of another namespace", forged('42/admin,["offer",{}]')],
  ["an event that is no relay", forged('42/signaling,["superseded",{}]')],
  ["an Engine.IO CLOSE", forged("1")],
  ["an ack", forged('43/signaling,1["offer",{}]')],
  ["fewer attachments than it says", forged('452-/signaling,["offer",{}]', [Buffer.from("x")])],
  ["attachments that it does not say", forged('42/signaling,["offer",{}]', [Buffer.from("x")])],
  [
    "a frame that is longer than its header says",
    Buffer.concat([forged('42/signaling,["offer",{}]'), Buffer.from("x")]),
  ],
  ["a frame that is cut", forged('42/signaling,["offer",{}]').subarray(0, -1)],
  ["nothing", Buffer.alloc(0)],
  ["an address beyond its end", Buffer.from([1, 255, 255, 91])],
  ["an address that is none", Buffer.from("\x01\x00\x02{}")],
])("%s is refused", (_, message) => {
  expect(() => readAddressed(message)).toThrow();
});

test("any invalid bytes lead to a refusal", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 120 }), (bytes, at) => {
      const message = Buffer.from(forged('42/signaling,["offer",{"roomId":"room"}]'));
      message.set(bytes.subarray(0, message.length - Math.min(at, message.length)), Math.min(at, message.length));
      for (const one of [message, Buffer.from(bytes)]) {
        let read: ReturnType<typeof readAddressed> | undefined;
        try {
          read = readAddressed(one);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        if (read !== undefined)
          expect(textOf(read.packet)).toMatch(/^4(2|5\d+-)\/signaling,\["(offer|answer|candidate|bye)",/);
      }
    }),
    { numRuns: 2_000 },
  );
});
