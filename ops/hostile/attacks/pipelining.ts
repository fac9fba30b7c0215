import type { Attack } from "../attacker.ts";
import { enginePath, openPollingPeer } from "../engine-session.ts";
import { countAnswers, first, inParallel, over, write } from "../wire.ts";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: calls.example\r\n\r\n`;

/** Sends this many requests on one connection at once, and reads the answers or not. */
const pipelined = (name: string, request: () => string, { count = 2_000, read = true } = {}): Attack => ({
  name,
  guard: "pipelining",
  forMs: 1_500,
  async run(attacker) {
    const socket = await attacker.connect();
    if (read) countAnswers(attacker, socket);
    else socket.pause();
    await write(socket, Array.from({ length: count }, request).join(""), attacker.signal);
    attacker.count("sent", count);
    await over(attacker.signal);
  },
});

/** Fills a read of 64 KiB with requests of so many short header lines, again and again, on 300 connections. */
const manyLines = (lines: number, path: string): Attack => ({
  name: `pipelines requests of ${lines} header lines on 300 connections, behind one that is answered`,
  guard: "pipelining",
  forMs: 2_500,
  async run(attacker) {
    const head = `GET ${path} HTTP/1.1\r\nHost: h\r\n${"a:b\r\n".repeat(lines - 1)}\r\n`;
    const read = head.repeat(Math.floor(65_536 / head.length));
    await inParallel(attacker, 300, 300, async () => {
      while (!attacker.signal.aborted) {
        const socket = await attacker.connect();
        countAnswers(attacker, socket);
        await write(socket, get("/"), attacker.signal);
        await first(socket, ["data", "close"], attacker.signal);
        if (await write(socket, read, attacker.signal)) attacker.count("sent");
        await first(socket, ["close"], attacker.signal);
      }
    });
  },
});

/** Pipelined requests (RFC 9112, 9.3.2). */
export const pipelining: readonly Attack[] = [
  {
    name: "pipelines 2,000 polls of one session",
    guard: "pipelining",
    forMs: 1_500,
    async run(attacker) {
      const { path } = await openPollingPeer(attacker, "hostile-pipelining");
      const socket = await attacker.connect();
      countAnswers(attacker, socket);
      await write(socket, get(path).repeat(2_000), attacker.signal);
      attacker.count("sent", 2_000);
      await over(attacker.signal);
    },
  },
  manyLines(250, "/"),
  manyLines(99, enginePath("polling", "&sid=signaling-1.x")),
  pipelined("pipelines 5,000 requests for the page and reads nothing", () => get("/"), { count: 5_000, read: false }),
  pipelined("pipelines upgrades behind requests", () => `${get("/")}GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n`),
];
