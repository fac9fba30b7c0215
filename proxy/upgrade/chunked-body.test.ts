import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkedBody } from "./chunked-body.ts";

const encode = (data: Buffer) =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)};x="y"\r\n`), data, Buffer.from("\r\n")]);

test("a chunked body is decoded for any split of its bytes", () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (chunks, cut) => {
      const wire = Buffer.concat([...chunks.map(encode), Buffer.from("0\r\nX-Trailer: 1\r\n\r\nmore")]);
      const body = new ChunkedBody();
      const parts: Buffer[] = [];
      for (let at = 0; at < wire.length; at += cut) parts.push(...body.read(wire.subarray(at, at + cut)));
      expect(body.done).toBe(true);
      expect(Buffer.concat(parts)).toEqual(Buffer.concat(chunks));
    }),
  );
});

test.each([
  ["no size", "hello\r\n"],
  ["a signed size", "-5\r\nhello\r\n"],
  ["a hex prefix", "0x5\r\nhello\r\n"],
  ["a size over 32 bits", "fffffffff\r\n"],
  ["a chunk that is longer than it says", "3\r\nhello\r\n0\r\n\r\n"],
  ["a line without an end", "5;".padEnd(9_000, "x")],
])("%s is no chunked body", (_what, wire) => {
  expect(() => new ChunkedBody().read(Buffer.from(wire))).toThrow();
});

test("it is complete only after the last line", () => {
  const body = new ChunkedBody();
  body.read(Buffer.from("5\r\nhello\r\n0\r\n"));
  expect(body.done).toBe(false);
  body.read(Buffer.from("\r\n"));
  expect(body.done).toBe(true);
});
