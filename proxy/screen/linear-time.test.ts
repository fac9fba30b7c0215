import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { addressSet, nodeAddress } from "../../common/http/client-address.ts";
import { canonicalOrigin, isSameOrigin } from "../../common/http/origin.ts";
import { createMintedSids } from "../routing/minted-sids.ts";
import { cookieValues, readCookie } from "../routing/sticky-cookie.ts";
import { readPlainUpgrade } from "../tuning/plain-upgrade.ts";
import { readConnection } from "./connection-header.ts";
import { origination } from "./forwarded.ts";
import { answerHeaders } from "./headers.ts";
import { createPathMatcher, hasBadEscape, isAmbiguousPath } from "./paths.ts";
import { createRoomReader, queryValue, readSessionQuery } from "./query.ts";

/** As much as a head can hold. */
const size = 16_384;
/**
 * Time of the CPU, ms. A quadratic reader takes more than ten times this limit. The slowest of these readers takes a
 * fifth of it.
 */
const limitMs = 20;

const everybody = addressSet("0.0.0.0/0,::/0");
const minted = createMintedSids("sticky", "secret");
const kindOf = createPathMatcher(["/socket.io/", "/api/*", "/"], ["/socket.io/"]);
const head = (text: string) =>
  Buffer.from(`GET /ws HTTP/1.1\r\nHost: a\r\nX: ${text.slice(0, 4_000)}\r\n\r\n`, "latin1");

/** Everything that reads a stranger's text. */
const readers: Record<string, (text: string) => unknown> = {
  Connection: readConnection,
  "X-Forwarded-For": (text) => origination("10.0.0.1", { "x-forwarded-for": text }, everybody),
  Forwarded: (text) => origination("10.0.0.1", { forwarded: text }, everybody),
  "both of them": (text) => origination("10.0.0.1", { forwarded: text, "x-forwarded-for": text }, everybody),
  "X-Forwarded-Proto": (text) => origination("10.0.0.1", { "x-forwarded-proto": text }, everybody),
  "an address": nodeAddress,
  Cookie: (text) => readCookie(text, "sticky"),
  "the remembered sids": (text) => minted.replicaOf(cookieValues(text, "sticky")[0] ?? text, "sid", ["a"]),
  Origin: (text) => [canonicalOrigin(text), isSameOrigin(text, text)],
  "a query": (text) => [readSessionQuery(text), queryValue(text, "room")],
  "a path": (text) => [isAmbiguousPath(text), hasBadEscape(text), kindOf(text), createRoomReader("path:9")(text, "")],
  "an answer's Connection": (text) => answerHeaders(["Connection", text, "X-A", text]),
  "a plain upgrade": (text) => readPlainUpgrade(head(text), {} as Socket),
};

const pieces = [
  ...[" ", "\t", "\xa0", ",", ", ", "a,", ";", "=", "&", "=&", "a&", "%", "%2", "%45=&", "%2e", '"', '"a"', "\\", "["],
  ...["]", ":", ".", "..", "/", "/../", "//", "a", "1", "1.", "::", ":1", '="', "a=b;", "for=1;", "for=1,", 'for="'],
  ...[
    "sticky=",
    "sticky;",
    "sticky=a;",
    "sid=",
    "sid=&",
    "+",
    "+&",
    "?",
    "://",
    "a:",
    "|",
    "a:b|",
    "upgrade",
    "close,",
  ],
];

test.each(Object.keys(readers))("%s is read in linear time", (name) => {
  const read = readers[name] as (text: string) => unknown;
  for (const piece of pieces)
    for (const [before, after] of [
      ["", ""],
      ["a", "b"],
      ["close", "x"],
      ["/assets/", "%"],
    ] as const) {
      const text = before + piece.repeat(Math.ceil(size / piece.length)).slice(0, size) + after;
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5 && best > limitMs; run++) {
        const begun = process.threadCpuUsage();
        read(text);
        const { user, system } = process.threadCpuUsage(begun);
        best = Math.min(best, (user + system) / 1_000);
      }
      expect(best, `${before}${piece}… ms`).toBeLessThan(limitMs);
    }
});
