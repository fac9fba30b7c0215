import { expect, test } from "vitest";
import { MessageCutter } from "./message-cutter.ts";

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const long = `GET / HTTP/1.1\r\nCookie: ${"x".repeat(9_000)}\r\n\r\n`;
const post = (body: string) => `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const trailed = chunked.replace("0\r\n\r\n", "0\r\nTrailer: a\r\n\r\n");
const messages = [get, long, post("x"), post(`${get}${get}`), post("y".repeat(9_000)), chunked, trailed, get];

/** The pieces of these bytes, which arrive in reads of up to `most` bytes. */
function cut(text: string, sizeOfRead: () => number): string[] {
  const cutter = new MessageCutter();
  const pieces: string[] = [];
  let head = "";
  for (let at = 0; at < text.length; ) {
    let read = Buffer.from(text.slice(at, at + sizeOfRead()), "latin1");
    at += read.length;
    while (read.length > 0) {
      const size = cutter.next(read);
      const piece = read.toString("latin1", 0, size);
      pieces.push(piece);
      read = read.subarray(size);
      head += piece;
      // As the parser does at the end of a head.
      if (head.startsWith("POST") && head.endsWith("\r\n\r\n"))
        cutter.body(Number(/Length: (\d+)/.exec(head)?.[1] ?? 0));
      if (head.endsWith("\r\n\r\n")) head = "";
    }
  }
  return pieces;
}

test("no piece has anything behind the end of a message, however the bytes are split over reads", () => {
  const text = messages.join("");
  const ends = messages.map((_, index) => messages.slice(0, index + 1).join("").length);
  for (let seed = 1; seed <= 60; seed++) {
    let state = seed;
    const next = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return 1 + (state % below);
    };
    const most = seed % 3 === 0 ? 65_536 : seed % 3 === 1 ? 5 : 700;
    const pieces = cut(text, () => next(most));
    expect(pieces.join("")).toBe(text);
    let at = 0;
    const crossed = pieces.filter((piece) => {
      const from = at;
      at += piece.length;
      return ends.some((end) => end > from && end < at);
    });
    expect(crossed).toEqual([]);
  }
});

test("a piece is at most 4 KiB, but for bodies of a known length", () => {
  expect(cut(long, () => 65_536).map(({ length }) => length)).toEqual([4_096, 4_096, long.length - 8_192]);
  expect(cut(post("x".repeat(60_000)), () => 65_536).map(({ length }) => length)).toEqual([42, 60_000]);
  expect(cut("1\r\nx\r\n".repeat(2_000), () => 65_536).every(({ length }) => length <= 4_096)).toBe(true);
});
