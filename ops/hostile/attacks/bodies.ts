import { randomBytes } from "node:crypto";
import { pause } from "../../wait/pause.ts";
import type { Attack, Attacker } from "../attacker.ts";
import { enginePath, openPolling, packetSeparator } from "../engine-session.ts";
import { ask, countAnswers, countStatus, inParallel, over, write } from "../wire.ts";

const head = (path: string, more: string) => `POST ${path} HTTP/1.1\r\nHost: calls.example\r\n${more}\r\n\r\n`;

/** Opens sessions on one replica as fast as it admits them. */
async function sessions(attacker: Attacker, count: number): Promise<string[]> {
  const cookie = randomBytes(8).toString("hex");
  const paths: string[] = [];
  await inParallel(attacker, count, 40, async () => {
    try {
      paths.push((await openPolling(attacker, cookie)).path);
    } catch {
      attacker.count("not let in");
    }
  });
  return paths;
}

/** Sends bodies without their last byte, one for each connection and session. */
const withheld = (name: string, count: number, forMs: number, parts: readonly string[]): Attack => ({
  name,
  guard: "bodies",
  forMs,
  async run(attacker) {
    const paths = await sessions(attacker, count);
    await inParallel(attacker, paths.length, paths.length, async (index) => {
      const socket = await attacker.connect();
      countAnswers(attacker, socket);
      const [more = "", ...body] = parts;
      await write(socket, head(paths[index] as string, more), attacker.signal);
      for (const part of body) if (!(await write(socket, part, attacker.signal))) break;
      attacker.count("sent");
    });
    await over(attacker.signal);
  },
});

/** Bodies that never end. */
export const bodies: readonly Attack[] = [
  withheld("withholds the last byte of 600 bodies of 256 KiB", 600, 4_000, [
    "Content-Length: 262144",
    "x".repeat(262_143),
  ]),
  withheld("withholds the last chunk of 200 chunked bodies", 200, 3_000, [
    "Transfer-Encoding: chunked",
    ...Array.from({ length: 63 }, () => `1000\r\n${"x".repeat(4_096)}\r\n`),
  ]),
  withheld("sends 20,000 chunks of one byte on 40 connections", 40, 3_000, [
    "Transfer-Encoding: chunked",
    "1\r\nx\r\n".repeat(20_000),
  ]),
  withheld("announces a body and sends none, on 300 connections", 300, 2_500, ["Content-Length: 262144"]),
  withheld("expects to continue and sends no body, on 300 connections", 300, 2_500, [
    "Expect: 100-continue\r\nContent-Length: 262144",
  ]),
  {
    name: "posts 80,000 packets in a body for JSONP, again and again",
    guard: "bodies",
    forMs: 2_000,
    async run(attacker) {
      const body = `d=${Array.from({ length: 80_000 }, () => "3").join(packetSeparator)}`;
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const cookie = `sticky=${randomBytes(8).toString("hex")}`;
      await inParallel(attacker, 8, 8, async () => {
        const { text } = await ask(attacker, enginePath("polling", "&j=0"), { headers: { cookie } });
        const path = enginePath("polling", `&j=0&sid=${/sid\\":\\"([^\\]+)/.exec(text)?.[1]}`);
        while (!attacker.signal.aborted) {
          const { status } = await ask(attacker, path, { method: "POST", headers, body });
          attacker.count("sent");
          countStatus(attacker, status);
          if (status !== 200) break;
        }
      });
      await over(attacker.signal);
    },
  },
  {
    name: "sends bodies byte by byte on 200 connections",
    guard: "bodies",
    forMs: 4_000,
    async run(attacker) {
      const paths = await sessions(attacker, 200);
      await inParallel(attacker, paths.length, paths.length, async (index) => {
        const socket = await attacker.connect();
        await write(socket, head(paths[index] as string, "Content-Length: 200000"), attacker.signal);
        while (await write(socket, "x", attacker.signal)) {
          attacker.count("sent");
          await pause(50, attacker.signal);
        }
      });
    },
  },
  {
    name: "posts bodies of 1 MB without a session",
    guard: "bodies",
    forMs: 2_000,
    async run(attacker) {
      const body = "x".repeat(1_000_000);
      await inParallel(attacker, 10_000, 30, async () => {
        const socket = await attacker.connect();
        countAnswers(attacker, socket);
        await write(socket, head(enginePath("polling"), `Content-Length: ${body.length}`), attacker.signal);
        await write(socket, body, attacker.signal);
        attacker.count("sent");
        socket.destroy();
      });
    },
  },
];
