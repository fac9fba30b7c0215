import type { IncomingMessage } from "node:http";
import { Server } from "engine.io";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRoomReader, queryValue, readSessionQuery } from "./query.ts";

/** Engine.IO's own reading of a request's query. */
function engineReads(query: string): Record<string, string> {
  const request = { url: `/socket.io/?${query}` } as IncomingMessage & { _query: Record<string, string> };
  (Server.prototype as unknown as { prepare(request: IncomingMessage): void }).prepare(request);
  return request._query;
}

const name = fc.constantFrom(
  "sid",
  "EIO",
  "transport",
  "room",
  "SID",
  "sid[]",
  "%73id",
  "s%69d",
  "E%49O",
  "%45IO",
  "xsid",
  "",
);
const value = fc.constantFrom(
  "",
  "a",
  "signaling-2.x",
  "%2e",
  "%zz",
  "%",
  "+",
  "%2B",
  "%00",
  "é",
  "%E9",
  "%C3%A9",
  ";sid=b",
  "=",
  "?",
);
const separator = fc.constantFrom("&", "&", "&", "&&", ";", "?", "&?", "");
const query = fc
  .array(fc.tuple(name, fc.constantFrom("=", "", "=="), value, separator), { maxLength: 6 })
  .map((pairs) => pairs.map((parts) => parts.join("")).join(""));

test("a session is read as in Engine.IO, or refused", () => {
  fc.assert(
    fc.property(query, (text) => {
      const read = readSessionQuery(text);
      if (read === undefined) return;
      const engine = engineReads(text);
      expect(read.sid).toBe(engine["sid"]);
      expect(read.engine).toBe("EIO" in engine || "transport" in engine);
      expect(read.websocket).toBe(engine["transport"] === "websocket");
    }),
    { numRuns: 3_000 },
  );
});

test("any other parameter is read as in Engine.IO: decoded, the last of several", () => {
  fc.assert(
    fc.property(query, fc.constantFrom("room", "SID", "sid[]", ""), (text, wanted) => {
      expect(queryValue(text, wanted)).toBe(engineReads(text)[wanted]);
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  "sid=",
  "sid",
  "EIO=4&sid=&transport=polling",
  "sid=a&sid=b",
  "sid=a&s%69d=b",
  "%73%69%64=a&sid=",
  "sid=a&sid",
  "EIO=4&E%49O=3",
  "EIO=",
  "transport=polling&transport=websocket",
  "transport=&EIO=4",
])("%s has two readings", (text) => {
  expect(readSessionQuery(text)).toBeUndefined();
});

test.each([
  ["EIO=4&transport=polling", true, undefined],
  ["%45IO=4", true, undefined],
  ["transport=polling", true, undefined],
  ["sid=a", false, "a"],
  ["EIO=4&sid=a%2Eb", true, "a.b"],
  ["EIO=4&sid=a+b", true, "a b"],
  ["EIO=4&SID=a&sid[]=b", true, undefined],
  ["EIO=4;sid=a", true, undefined],
  ["?EIO=4&?sid=a", false, undefined],
  ["", false, undefined],
])("%s: engine %s, sid %s", (text, engine, sid) => {
  expect(readSessionQuery(text)).toMatchObject({ engine, sid });
});

test.each([
  ["query:room", "/ws", "room=a&room=b%20c", "b c"],
  ["query:r", "/ws", "room=a", undefined],
  ["path:2", "/rooms/caf%C3%A9/x", "", "café"],
  ["path:1", "/rooms", "", "rooms"],
  ["path:3", "/rooms/a", "", undefined],
  ["path:2", "/rooms//a", "", undefined],
  ["path:2", "/rooms/%E9", "", undefined],
])("STICKY_ROOM=%s of %s?%s is %s", (place, path, query, room) => {
  expect(createRoomReader(place)(path, query)).toBe(room);
});
