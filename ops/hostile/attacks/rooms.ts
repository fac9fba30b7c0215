import { randomBytes } from "node:crypto";
import { pause } from "../../wait/pause.ts";
import type { Attack } from "../attacker.ts";
import { openSignaling } from "../engine-session.ts";
import { inParallel, openRaw, over, pass } from "../wire.ts";

const roomId = (length = 16) => randomBytes(length).toString("hex").slice(0, length);

/** Changes of membership that a connection may make at once, and their refill: the replicas' defaults. */
const burst = 200;
const perSecond = 20;
/** Connections that change rooms as fast as they can. */
const sockets = 4;

const changing = (connections: number, forMs: number): Attack => ({
  name: `joins and leaves 32 rooms again and again on ${connections} sockets`,
  guard: "rooms",
  forMs,
  async run(attacker) {
    await inParallel(attacker, connections, connections, async (index) => {
      const raw = index % 2 === 1;
      const socket = await (raw ? openRaw(attacker) : openSignaling(attacker));
      const names = Array.from({ length: 32 }, () => roomId());
      while (socket.readyState === socket.OPEN && !attacker.signal.aborted) {
        for (const name of names)
          for (const event of ["join", "leave"]) {
            socket.send(
              raw ? JSON.stringify({ event, data: { roomId: name } }) : `42/signaling,${JSON.stringify([event, name])}`,
            );
            attacker.count("sent");
          }
        await pass(socket, raw ? "{}" : "3", attacker.signal);
      }
    });
  },
});

/** Joins and leaves. Each one is gossiped to all replicas. */
export const rooms: readonly Attack[] = [
  changing(8, 3_000),
  changing(60, 2_000),
  {
    name: "joins and leaves two rooms on 4 sockets as often as it is told",
    guard: "rooms",
    forMs: 2_000,
    bounds: [
      { figure: "told", max: (seconds) => 1.05 * sockets * (burst + perSecond * seconds) },
      { figure: "told", min: 100 },
    ],
    async run(attacker) {
      const names = [roomId(), roomId()];
      for (const room of names) {
        const witness = await openSignaling(attacker, { room });
        witness.on("message", (data) => {
          if (/^42\/signaling,\["peer-(joined|left)"/.test(String(data))) attacker.count("told");
        });
      }
      await inParallel(attacker, sockets, sockets, async (index) => {
        const raw = index % 2 === 1;
        const socket = await (raw ? openRaw(attacker) : openSignaling(attacker));
        while (socket.readyState === socket.OPEN && !attacker.signal.aborted)
          for (const name of names)
            for (const event of ["join", "leave"]) {
              const packet = raw
                ? JSON.stringify({ event, data: { roomId: name } })
                : `42/signaling,${JSON.stringify([event, name])}`;
              attacker.count("sent");
              await pass(socket, packet, attacker.signal);
            }
      });
    },
  },
  {
    name: "joins 32 rooms of 128 characters on 200 sockets and goes without a word",
    guard: "rooms",
    forMs: 4_000,
    async run(attacker) {
      await inParallel(attacker, 200, 20, async () => {
        const socket = await openSignaling(attacker);
        for (let count = 0; count < 32; count += 1) {
          socket.send(`42/signaling,${JSON.stringify(["join", roomId(128)])}`);
          attacker.count("sent");
        }
      });
      await over(attacker.signal);
    },
  },
  {
    name: "joins with 4 KB of resume token, guessed, 500 times a second",
    guard: "rooms",
    forMs: 2_000,
    async run(attacker) {
      const socket = await openSignaling(attacker);
      while (socket.readyState === socket.OPEN && !attacker.signal.aborted) {
        const resume = `${randomBytes(12).toString("base64url")}.${"x".repeat(4_000)}`;
        socket.send(`42/signaling,${JSON.stringify(["join", roomId(), { resume }])}`);
        attacker.count("sent");
        await pause(2, attacker.signal);
      }
    },
  },
  {
    name: "fills the rooms of others to their last place",
    guard: "rooms",
    forMs: 3_000,
    async run(attacker) {
      const [room = ""] = attacker.target.rooms;
      await inParallel(attacker, 70, 10, async () => {
        try {
          await openSignaling(attacker, { room });
          attacker.count("sent");
        } catch {
          attacker.count("not let in");
        }
      });
    },
  },
];
