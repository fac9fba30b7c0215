import type { Socket } from "node:net";
import type { Attack, Attacker } from "../attacker.ts";
import { enginePath } from "../engine-session.ts";
import { countAnswers, inParallel, over, upgradeHead } from "../wire.ts";

const page = "GET / HTTP/1.1\r\nHost: calls.example\r\n\r\n";
/** A head of 16 KiB that does not end. */
const longHead = `GET / HTTP/1.1\r\nHost: calls.example\r\n${"a: b\r\n".repeat(2_600)}`;

async function connectAll(attacker: Attacker, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  await inParallel(attacker, count, 50, async () => {
    sockets.push(await attacker.connect());
  });
  return sockets;
}

/** Opens connections, and then sends this on all of them in the same moment. */
const atOnce = (name: string, count: number, bytes: string, { forMs = 1_500 } = {}): Attack => ({
  name: `${name} on ${count.toLocaleString("en")} connections at once`,
  guard: "bursts",
  forMs,
  bounds: [{ figure: "sent", min: count }],
  async run(attacker) {
    for (const socket of await connectAll(attacker, count)) {
      countAnswers(attacker, socket);
      socket.write(bytes, "latin1");
      attacker.count("sent");
    }
    await over(attacker.signal);
  },
});

/** Requests that all come in the same moment. */
export const bursts: readonly Attack[] = [
  atOnce("asks for the page", 4_000, page, { forMs: 2_000 }),
  atOnce("asks for the page, with 16 KiB behind,", 1_000, page + longHead),
  atOnce("asks for upgrades of made-up sessions", 2_000, upgradeHead(enginePath("websocket", "&sid=signaling-1.x"))),
  {
    name: "asks for the page again and again on 2,000 connections",
    guard: "bursts",
    forMs: 1_500,
    bounds: [{ figure: "sent", min: 2_000 }],
    async run(attacker) {
      for (const socket of await connectAll(attacker, 2_000)) {
        const ask = () => {
          socket.write(page, "latin1");
          attacker.count("sent");
        };
        socket.on("data", ask);
        ask();
      }
      await over(attacker.signal);
    },
  },
];
