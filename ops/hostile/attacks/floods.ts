import { randomBytes } from "node:crypto";
import type { Attack, Bound } from "../attacker.ts";
import { openPollingPeer, openSignaling } from "../engine-session.ts";
import { ask, countStatus, inParallel } from "../wire.ts";
import { flooding } from "./events.ts";

const unique = () => `hostile-${randomBytes(6).toString("hex")}`;
const small = (roomId: string) => JSON.stringify({ roomId });
const large = (roomId: string) => JSON.stringify({ roomId, filler: "x".repeat(60_000) });
const connections = 40;
const guard = "floods";

/** The events that all connections of a client may have accepted: the replicas' burst and refill. */
const budget = (replicas: number): Bound => ({
  figure: "accepted",
  max: (seconds) => 1.05 * replicas * (5_000 + 5_000 * seconds),
});

/** Floods of one client on many connections, each within its own limits. */
export const floods: readonly Attack[] = [
  flooding("floods small signals on 40 connections", small, { connections, guard, bounds: [budget(3)] }),
  flooding("floods signals of 60 KB on 40 connections", large, { connections, guard, bounds: [budget(3)] }),
  flooding("floods small signals on 40 connections to one replica", small, {
    connections,
    guard,
    bounds: [budget(1)],
    place: () => ({ cookie: unique() }),
  }),
  flooding("floods small signals to 39 peers of one room", small, {
    connections,
    guard,
    bounds: [budget(3)],
    place: () => ({ room: unique() }),
  }),
  flooding("floods signals of 60 KB to 39 peers of one room", large, {
    connections,
    guard,
    bounds: [budget(3)],
    place: () => ({ room: unique() }),
  }),
  {
    name: "polls signals of 60 KB of noise compressed, on 20 sessions of one replica",
    guard,
    forMs: 2_500,
    async run(attacker) {
      const cookie = unique();
      const filler = randomBytes(45_000).toString("base64");
      await inParallel(attacker, 20, 20, async () => {
        const room = unique();
        const { path } = await openPollingPeer(attacker, room, cookie);
        const sender = await openSignaling(attacker, { room, cookie });
        const packet = `42/signaling,${JSON.stringify(["candidate", { roomId: room, filler }])}`;
        while (sender.readyState === sender.OPEN && !attacker.signal.aborted) {
          for (let count = 0; count < 4; count += 1) sender.send(packet);
          attacker.count("sent", 4);
          const { status } = await ask(attacker, path, { headers: { "accept-encoding": "gzip" } });
          countStatus(attacker, status);
        }
      });
    },
  },
];
