import { createLog } from "../../../common/log.ts";
import { type Config, schema } from "../../../services/signaling/config.ts";
import { createMetrics } from "../../../services/signaling/metrics.ts";
import type { Kind } from "../../../services/signaling/presence/directory.ts";
import type { Presence } from "../../../services/signaling/presence/presence.ts";
import { type BusOrder, createBus } from "./bus.ts";
import { createContract } from "./contract.ts";
import { type ModelConnection, type ModelReplica, startModelReplica } from "./model-replica.ts";

const metrics = createMetrics();
const log = createLog({ service: "model", level: "silent" });
const defaults = schema.parse({});

/** One client, over any number of connections. */
export interface ModelPeer {
  room: string;
  kind: Kind;
  replica: number;
  member: ModelConnection;
  /** True once its join is acknowledged. Then its id and token are known. */
  joined: boolean;
  peerId: string;
  resume: string | undefined;
  /** The time from which every signal of the room is promised to it, ms; Infinity before that. */
  settledAt: number;
}

/** Three replicas on a bus, their clients, and the contract's promises to them. */
export async function createWorld({
  seed,
  slow,
  order,
  relays,
  advance,
  weaken,
}: {
  seed: number;
  /** Longest latency of the bus, ms. */
  slow: number;
  order: BusOrder;
  /** Fault by replica. */
  relays: readonly Config["RELAY"][];
  /** Lets time pass: timers fire, and their effects complete. */
  advance: (ms: number) => Promise<void>;
  /** Puts a fault into a replica, to show that the test finds it. */
  weaken?: (presence: Presence) => Presence;
}) {
  let state = seed >>> 0 || 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const bus = createBus(() => 1 + random() * slow, { order, metrics, log });
  const start = (index: number) => {
    const nodeId = `signaling-${index + 1}`;
    const given = weaken === undefined ? {} : { weaken };
    return startModelReplica(nodeId, bus, {
      config: { ...defaults, NODE_ID: nodeId, RELAY: relays[index] ?? defaults.RELAY },
      metrics,
      log,
      ...given,
    });
  };
  /** Runs the callbacks that wait for timers. */
  async function driven<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    while (!isDone) await advance(5);
    return work;
  }
  const replicas: (ModelReplica | undefined)[] = await driven(Promise.all([0, 1, 2].map(start)));
  const peers: ModelPeer[] = [];
  const contract = createContract();
  const now = () => performance.now();

  function join(peer: ModelPeer): void {
    const { member, room } = peer;
    const options = peer.resume === undefined ? {} : { resume: peer.resume };
    replicas[peer.replica]?.handle(member, "join", [room, options], (ack) => {
      if (!ack.ok || peer.member !== member) return;
      peer.joined = true;
      peer.peerId = String(ack["peerId"]);
      peer.resume = String(ack["resume"]);
      peer.settledAt = ack["settled"] === false ? Number.POSITIVE_INFINITY : now();
    });
  }

  /** Events of the client since the last call. */
  function listen(peer: ModelPeer): void {
    if (peer.settledAt === Number.POSITIVE_INFINITY && peer.member.got.some(([event]) => event === "settled"))
      peer.settledAt = now();
  }

  return {
    replicas,
    peers,
    connected: () => peers.filter(({ member, joined }) => joined && member.open),
    join(index: number, room: string, kind: Kind): void {
      const replica = replicas[index];
      if (replica === undefined) return;
      const member = replica.connect(kind);
      const peer: ModelPeer = {
        room,
        kind,
        member,
        replica: index,
        joined: false,
        peerId: "",
        resume: undefined,
        settledAt: Number.POSITIVE_INFINITY,
      };
      peers.push(peer);
      join(peer);
    },
    /** The client gives its connection up, if it has one, and connects elsewhere under its own name. */
    resume(peer: ModelPeer, index: number): void {
      const replica = replicas[index];
      if (replica === undefined || peer.resume === undefined) return;
      peer.member.leftAt = Math.min(peer.member.leftAt, now());
      if (peer.member.open) replicas[peer.replica]?.close(peer.member);
      peer.member = replica.connect(peer.kind);
      Object.assign(peer, { replica: index, joined: false, settledAt: Number.POSITIVE_INFINITY });
      join(peer);
    },
    leave(peer: ModelPeer): void {
      peer.joined = false;
      peer.member.leftAt = now();
      replicas[peer.replica]?.handle(peer.member, "leave", [peer.room], () => undefined);
    },
    send(peer: ModelPeer): void {
      for (const one of peers) listen(one);
      const addressees = peers
        .filter((one) => one !== peer && one.room === peer.room && one.joined && one.member.open)
        .filter(({ settledAt }) => settledAt <= now())
        .map(({ member, peerId, replica }) => ({ member, peerId, replica }));
      const record = contract.send(peer.replica, addressees);
      const signal = { roomId: peer.room, number: record.number };
      replicas[peer.replica]?.handle(peer.member, "candidate", [signal], (ack) => {
        record.ack = ack;
      });
    },
    kill(index: number): void {
      const replica = replicas[index];
      if (replica === undefined) return;
      replica.kill();
      replicas[index] = undefined;
      contract.killed(index);
    },
    async start(index: number): Promise<void> {
      if (replicas[index] === undefined) replicas[index] = await driven(start(index));
    },
    drain(index: number): void {
      // If channels have no common order, a drain may close before signals in transit arrive: see the barrier.
      if (order === "server") void replicas[index]?.drain();
    },
    partition(index: number): void {
      replicas[index]?.cut(true);
      contract.cut(index);
    },
    heal(index: number): void {
      replicas[index]?.cut(false);
      contract.mended(index);
    },
    /** The replica leaves its server for another one, and no signal may be lost for it. */
    move: (index: number, server: number): void => replicas[index]?.move(server),
    advance,
    across: contract.across,
    broken: contract.broken,
    end(): void {
      for (const replica of replicas) replica?.kill();
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
