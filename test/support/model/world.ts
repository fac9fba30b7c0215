import { createLog } from "../../../common/log.ts";
import { type Config, schema } from "../../../services/signaling/config.ts";
import { createMetrics } from "../../../services/signaling/metrics.ts";
import type { Kind } from "../../../services/signaling/presence/directory.ts";
import type { Presence } from "../../../services/signaling/presence/presence.ts";
import { createBus } from "./bus.ts";
import { type ModelConnection, type ModelReplica, startModelReplica } from "./model-replica.ts";

/** A fault is noticed within this time; until then what was in transit may be lost, ms. */
const noticedMs = 2_500;
/** Longest way of a signal: what is older is dropped, ms. */
const arrivesMs = 1_000;

const metrics = createMetrics();
const log = createLog({ service: "model", level: "silent" });
const defaults = schema.parse({});

/** One client, through as many connections as it takes. */
export interface ModelPeer {
  room: string;
  kind: Kind;
  replica: number;
  member: ModelConnection;
  /** Its join is acknowledged; its id and token are known from then on. */
  joined: boolean;
  peerId: string;
  resume: string | undefined;
  /** Since when it is promised every signal of the room, ms; infinite while it is not. */
  settledAt: number;
}

interface Sent {
  at: number;
  number: number;
  from: ModelPeer;
  room: string;
  sender: number;
  /** Addressees by the contract: settled, connected members, and what they had got by then. */
  addressees: { member: ModelConnection; peerId: string; replica: number }[];
  ack?: { ok: boolean; away?: string[] };
}

/** Three replicas on a bus, their clients, and what the contract promised them. */
export async function createWorld({
  seed,
  slow,
  relay,
  advance,
  weaken,
}: {
  seed: number;
  /** Longest latency of the bus, ms. */
  slow: number;
  relay: Config["RELAY"];
  /** Lets time pass: timers fire, and what they set off is done. */
  advance: (ms: number) => Promise<void>;
  /** Puts a fault into a replica, so that the test can be seen to find it. */
  weaken?: (presence: Presence) => Presence;
}) {
  let state = seed >>> 0 || 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const bus = createBus(() => 1 + random() * slow, { metrics, log });
  const start = (index: number) => {
    const nodeId = `signaling-${index + 1}`;
    const given = weaken === undefined ? {} : { weaken };
    return startModelReplica(nodeId, bus, {
      config: { ...defaults, NODE_ID: nodeId, RELAY: relay },
      metrics,
      log,
      ...given,
    });
  };
  /** Runs what waits for timers. */
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
  const sent: Sent[] = [];
  /** By replica: when it was out of touch with the others; the last one may go on. */
  const faults: { index: number; from: number; to: number }[] = [];
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

  /** What the client was told since it was looked at last. */
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
      const number = sent.length;
      const record: Sent = { at: now(), number, from: peer, room: peer.room, sender: peer.replica, addressees };
      sent.push(record);
      replicas[peer.replica]?.handle(peer.member, "candidate", [{ roomId: peer.room, number }], (ack) => {
        record.ack = ack;
      });
    },
    kill(index: number): void {
      const replica = replicas[index];
      if (replica === undefined) return;
      replica.kill();
      replicas[index] = undefined;
      for (const fault of faults) if (fault.index === index) fault.to = Math.min(fault.to, now());
      faults.push({ index, from: now(), to: now() });
    },
    async start(index: number): Promise<void> {
      if (replicas[index] === undefined) replicas[index] = await driven(start(index));
    },
    drain: (index: number) => void replicas[index]?.drain(),
    partition(index: number): void {
      replicas[index]?.cut(true);
      faults.push({ index, from: now(), to: Number.POSITIVE_INFINITY });
    },
    /** Ends a partition; it is over for the contract when the replica says that its backplane is up. */
    heal(index: number): void {
      replicas[index]?.cut(false);
      const fault = faults.findLast((one) => one.index === index);
      if (fault !== undefined) fault.to = now();
    },
    advance,
    /** Signals that were acknowledged, one for each addressee on another replica. */
    across: () =>
      sent
        .filter(({ ack }) => ack?.ok === true)
        .reduce(
          (sum, { sender, addressees }) => sum + addressees.filter(({ replica }) => replica !== sender).length,
          0,
        ),
    /** What the contract was broken by; empty when it was kept. */
    broken(): string[] {
      const troubled = (index: number, at: number) =>
        faults.some((fault) => fault.index === index && at >= fault.from - arrivesMs && at <= fault.to + noticedMs);
      const problems: string[] = [];
      for (const { at, number, sender, addressees, ack } of sent) {
        if (ack?.ok !== true) continue;
        for (const { member, peerId, replica } of addressees) {
          const count = member.got.filter(([event, data]) => event === "candidate" && data["number"] === number).length;
          const name = `signal ${number} of ${Math.round(at)} ms from signaling-${sender + 1} to ${peerId} on signaling-${replica + 1}`;
          if (count > 1) problems.push(`${name}: ${count} times`);
          if (count > 0 || ack.away?.includes(peerId) === true) continue;
          if (member.leftAt <= at + arrivesMs) continue;
          if (sender !== replica && (troubled(sender, at) || troubled(replica, at))) continue;
          problems.push(`${name}: acknowledged and lost`);
        }
      }
      return problems;
    },
    end(): void {
      for (const replica of replicas) replica?.kill();
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
