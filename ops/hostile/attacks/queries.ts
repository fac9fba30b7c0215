import { randomBytes } from "node:crypto";
import { SOCKET_IO_PATH } from "../../../common/protocol-names.ts";
import type { Attack } from "../attacker.ts";
import { ask, countStatus, inParallel } from "../wire.ts";

/** Handshakes that one flood tries. */
const tries = 3_000;
/** New sessions that an address may open in a burst, and each second: the proxy's default. */
const perSecond = 500;

/** Sends handshakes as fast as possible. In any spelling of the query, no more are admitted than with the plain one. */
const flood = (name: string, query: (index: number) => string, admitted?: number): Attack => ({
  name,
  guard: "query",
  forMs: 4_000,
  bounds: [
    { figure: "admitted", max: (seconds) => admitted ?? 1.05 * (perSecond + perSecond * seconds) },
    { figure: "sent", min: 500 },
  ],
  async run(attacker) {
    await inParallel(attacker, tries, 64, async (index) => {
      const headers = { cookie: `sticky=${randomBytes(8).toString("hex")}` };
      attacker.count("sent");
      const { status, text } = await ask(attacker, `${SOCKET_IO_PATH}?${query(index)}`, { headers });
      if (status === 200 && text.includes('"sid"')) attacker.count("admitted");
      countStatus(attacker, status);
    });
  },
});

/** Spellings that the proxy must read as Engine.IO does. */
const spellings = [
  "%45IO=4&transport=polling",
  "E%49O=%34&transport=%70olling",
  "EIO=4&transport=polling&si%64=",
  "EIO=4&transport=polling&sid",
  "EIO=4&transport=polling&sid=%00",
  "x&&&EIO=4&transport=polling&=sid",
  "EIO=4&transport=polling&SID=signaling-2.x",
  "EIO=4&transport=polling&sid[]=signaling-2.x",
  "EIO=4;transport=polling&EIO=4&transport=polling",
  "EIO=3&EIO=4&transport=polling",
  "EIO=4&transport=websocket&transport=polling",
  "EIO=4&transport=polling&%73id=signaling-2.x",
];

/** Queries that the proxy and Engine.IO could read differently. The proxy's reading decides on admission. */
export const queries: readonly Attack[] = [
  flood("floods handshakes with an empty sid", () => "EIO=4&transport=polling&sid="),
  flood("floods plain handshakes", () => "EIO=4&transport=polling"),
  // Read without decoding, it is no query of Engine.IO.
  flood("floods handshakes with EIO and transport written %45IO and %74ransport", () => "%45IO=4&%74ransport=polling"),
  flood("pins sessions to one replica with two sids", () => "EIO=4&transport=polling&sid=signaling-2.x&sid=", 0),
  flood("floods handshakes in twelve odd spellings", (index) => spellings[index % spellings.length] as string),
];
