import { pause } from "../../wait/pause.ts";
import type { Attack } from "../attacker.ts";
import { enginePath } from "../engine-session.ts";
import { countAnswers, first, inParallel, upgradeHead, write } from "../wire.ts";

/** Just below the proxy's largest head. */
const fillerBytes = 15_500;
const get = (headers: string) => `GET ${enginePath("polling")} HTTP/1.1\r\nHost: calls.example\r\n${headers}\r\n\r\n`;

/** Sends this head repeatedly on twenty connections, each time after the last answer. */
const repeated = (name: string, head: string): Attack => ({
  name,
  guard: "heads",
  forMs: 1_000,
  async run(attacker) {
    await inParallel(attacker, 20, 20, async () => {
      while (!attacker.signal.aborted) {
        const socket = await attacker.connect();
        countAnswers(attacker, socket);
        while (await write(socket, head, attacker.signal)) {
          attacker.count("sent");
          await first(socket, ["data", "close"], attacker.signal);
        }
        socket.destroy();
      }
    });
  },
});

const between = (text: string, filler: string) => {
  const [before, after] = text.split("…") as [string, string];
  return before + filler.repeat(Math.floor((fillerBytes - text.length) / filler.length)) + after;
};

/** Opens connections that send a head piece by piece and never end it. */
const unfinished = (name: string, connections: number, piece: string, everyMs: number): Attack => ({
  name,
  guard: "heads",
  forMs: 2_500,
  async run(attacker) {
    await inParallel(attacker, connections, connections, async () => {
      const socket = await attacker.connect();
      await write(socket, `GET ${enginePath("polling")} HTTP/1.1\r\nHost: calls.example\r\n`, attacker.signal);
      while (await write(socket, piece, attacker.signal)) {
        attacker.count("sent");
        await pause(everyMs, attacker.signal);
      }
    });
  },
});

/** Request heads that are slow to read, or never end. */
export const heads: readonly Attack[] = [
  repeated("puts 15,000 blanks into Connection", get(between("Connection: a…b", " "))),
  repeated("puts no-break spaces into Connection", get(between("Connection: a…b", "\xa0"))),
  repeated("puts tabs and commas into Connection", get(between("Connection: a…b", "\t, "))),
  repeated("lists 7,000 names in Connection", get(between("Connection: a…b", "x,"))),
  repeated(
    "puts 15,000 blanks into Connection of an upgrade",
    upgradeHead("/ws", [between("Connection: Upgrade,…b", " ")]),
  ),
  repeated("puts blanks and semicolons into Cookie", get(between("Cookie: sticky…=x", " ;"))),
  repeated("puts equals signs into Cookie", get(between("Cookie: sticky=…;", "=;"))),
  repeated("puts blanks and commas into X-Forwarded-For", get(between("X-Forwarded-For: 1…2", " ,"))),
  repeated("puts colons into X-Forwarded-For", get(between("X-Forwarded-For: …2", ":"))),
  repeated(
    "puts blanks into Sec-WebSocket-Protocol",
    upgradeHead("/ws", [between("Sec-WebSocket-Protocol: a…b", " ,")]),
  ),
  repeated("puts slashes and dots into the path", `GET /assets/${"./".repeat(7_500)} HTTP/1.1\r\nHost: h\r\n\r\n`),
  repeated("puts ampersands into the query", `GET /socket.io/?${"&=".repeat(7_500)}EIO=4 HTTP/1.1\r\nHost: h\r\n\r\n`),
  repeated(
    "puts percent signs into the query",
    `GET /socket.io/?EIO=4&sid=${"%2".repeat(7_500)} HTTP/1.1\r\nHost: h\r\n\r\n`,
  ),
  repeated(
    "puts blanks into Origin and Host",
    `GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://${" ".repeat(15_000)}b\r\n\r\n`,
  ),
  repeated("sends 1,900 headers", get(Array.from({ length: 1_900 }, (_, index) => `a${index}:`).join("\r\n"))),
  unfinished("sends heads byte by byte on 500 connections", 500, "x", 100),
  unfinished("sends 2,000 lines of a head and waits, on 1,500 connections", 1_500, "a: b\r\n".repeat(2_000), 60_000),
];
