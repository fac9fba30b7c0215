import fc from "fast-check";
import type { Kind } from "../../../services/signaling/presence/directory.ts";

/** One client in a world, in its room. */
export interface WorldPeer {
  readonly room: string;
}

/** The world of the commands: replicas in this process, or real ones. */
export interface World<P extends WorldPeer = WorldPeer> {
  /** Peers with an acknowledged join and an open connection. */
  connected(): P[];
  join(index: number, room: string, kind: Kind): void | Promise<void>;
  /** The client closes its connection, if it has one, and connects to another replica with its peer id. */
  resume(peer: P, index: number): void | Promise<void>;
  leave(peer: P): void;
  send(peer: P): void;
  kill(index: number): void | Promise<void>;
  start(index: number): Promise<void>;
  /** A drain moves all peers of a replica away. */
  drain(index: number): void | Promise<void>;
  partition(index: number): void;
  heal(index: number): void;
}

type Step = (world: World) => void | Promise<void>;
/** One step of a run. */
export interface Command {
  name: string;
  /** Time that passes afterwards, ms. */
  thenMs: number;
  step: Step;
}
/** A counterexample shows its name and pause. */
const toCommand = (name: string, thenMs: number, step: Step): Command =>
  Object.assign({ name, thenMs, step }, { [fc.toStringMethod]: () => `${name}, ${thenMs} ms` });

const index = fc.nat({ max: 2 });
/** Index of a peer, modulo their number. */
const place = fc.nat({ max: 7 });
const room = fc.constantFrom("a", "a", "a", "b");
const kind = fc.constantFrom("socketio" as const, "ws" as const);
/** Mostly in the same tick, or within the transit time of a message. */
const pause = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 4 }) },
  { weight: 2, arbitrary: fc.nat({ max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(350, 1_100, 3_200) },
);
const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length];

/** A command for an existing peer. */
const toPeer = (name: string, act: (world: World, peer: WorldPeer, at: number) => void | Promise<void>) =>
  fc.record({ at: place, to: index, thenMs: pause }).map(({ at, to, thenMs }) => {
    const step: Step = (world) => {
      const peer = pick(world.connected(), at);
      return peer === undefined ? undefined : act(world, peer, to);
    };
    return toCommand(`${name} ${at}${name === "resume" ? ` on ${to}` : ""}`, thenMs, step);
  });
const toReplica = (name: string, act: (world: World, at: number) => void | Promise<void>) =>
  fc.record({ at: index, thenMs: pause }).map(({ at, thenMs }) => {
    return toCommand(`${name} ${at}`, thenMs, (world) => act(world, at));
  });

const join = fc.record({ at: index, room, kind, thenMs: pause }).map((given) => {
  const step: Step = (world) => world.join(given.at, given.room, given.kind);
  return toCommand(`join ${given.room} on ${given.at} by ${given.kind}`, given.thenMs, step);
});
/** Any command; mostly joins and signals. */
export const command = fc.oneof(
  { weight: 10, arbitrary: join },
  { weight: 14, arbitrary: toPeer("send", (world, peer) => world.send(peer)) },
  { weight: 1, arbitrary: toPeer("leave", (world, peer) => world.leave(peer)) },
  { weight: 2, arbitrary: toPeer("resume", (world, peer, at) => world.resume(peer, at)) },
  { weight: 1, arbitrary: toReplica("kill", (world, at) => world.kill(at)) },
  { weight: 1, arbitrary: toReplica("drain", (world, at) => world.drain(at)) },
  {
    weight: 1,
    arbitrary: toReplica("roll", async (world, at) => {
      world.kill(at);
      await world.start(at);
    }),
  },
  { weight: 1, arbitrary: toReplica("partition", (world, at) => world.partition(at)) },
  { weight: 1, arbitrary: toReplica("heal", (world, at) => world.heal(at)) },
);
