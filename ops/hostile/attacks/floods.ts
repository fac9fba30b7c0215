import { randomBytes } from "node:crypto";
import type { Attack, Bound } from "../attacker.ts";
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
];
