import type { BackplaneServer } from "../backplane/backplane-server.ts";
import { connectRaw } from "../raw-peer.ts";
import { type Replica, startReplica } from "../replica.ts";
import { connectSocketIo, type SignalPeer } from "../signal-peer.ts";
import type { World, WorldPeer } from "./commands.ts";
import { type Connected, createContract } from "./contract.ts";

/** A client's connection to a real replica. */
interface RealConnection extends Connected {
  peer: SignalPeer;
}
interface RealPeer extends WorldPeer {
  kind: "socketio" | "ws";
  replica: number;
  member: RealConnection;
  joined: boolean;
  peerId: string;
  resume: string | undefined;
  settledAt: number;
}

/** The world of the model on real replicas and a real Redis. A partition is a SIGSTOP, a drain a restart in order. */
export async function createRealWorld({ url, env }: Pick<BackplaneServer, "url" | "env">) {
  const now = () => performance.now();
  const start = (index: number) => startReplica(`signaling-${index + 1}`, url, env);
  const replicas: (Replica | undefined)[] = await Promise.all([0, 1, 2].map(start));
  const frozen = new Set<number>();
  const peers: RealPeer[] = [];
  const contract = createContract();

  async function connect(index: number, kind: RealPeer["kind"]): Promise<RealConnection | undefined> {
    const replica = replicas[index];
    if (replica === undefined || frozen.has(index)) return undefined;
    const peer =
      kind === "ws" ? await connectRaw(replica.url) : await connectSocketIo(replica.url, { reconnection: false });
    return { peer, leftAt: Number.POSITIVE_INFINITY, got: peer.events };
  }

  /** Does not wait for the ack, so the next command may run before it. */
  function join(peer: RealPeer): void {
    const { member, room } = peer;
    member.peer.join(room, peer.resume === undefined ? {} : { resume: peer.resume }).then(
      (ack) => {
        if (!ack.ok || peer.member !== member) return;
        const settledAt = ack.settled === false ? Number.POSITIVE_INFINITY : now();
        Object.assign(peer, { joined: true, peerId: ack.peerId, resume: ack.resume, settledAt });
      },
      () => {
        peer.joined = false;
      },
    );
  }

  function giveUp(member: RealConnection): void {
    member.leftAt = Math.min(member.leftAt, now());
    member.peer.close();
  }

  const heal = (index: number) => {
    replicas[index]?.program.kill("SIGCONT");
    frozen.delete(index);
    contract.mended(index);
  };

  const world: World<RealPeer> & { broken(): string[]; across(): number; end(): Promise<void> } = {
    connected: () => peers.filter(({ member, joined }) => joined && member.peer.connected()),
    async join(index, room, kind) {
      const member = await connect(index, kind);
      if (member === undefined) return;
      const peer: RealPeer = {
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
    async resume(peer, index) {
      if (replicas[index] === undefined || frozen.has(index)) return;
      giveUp(peer.member);
      peer.joined = false;
      const member = await connect(index, peer.kind);
      if (member === undefined) return;
      Object.assign(peer, { member, replica: index, settledAt: Number.POSITIVE_INFINITY });
      join(peer);
    },
    leave(peer) {
      peer.joined = false;
      peer.member.leftAt = now();
      const given = peer.kind === "ws" ? { roomId: peer.room } : peer.room;
      const { peer: connection } = peer.member;
      // If the replica is killed meanwhile, no ack arrives. The peer still counts as left.
      connection.send("leave", given).catch((error: unknown) => {
        if (connection.connected()) throw error;
      });
    },
    send(peer) {
      for (const one of peers)
        if (one.settledAt === Number.POSITIVE_INFINITY && one.member.got.some(([event]) => event === "settled"))
          one.settledAt = now();
      const addressees = peers
        .filter((one) => one !== peer && one.room === peer.room && one.joined && one.member.peer.connected())
        .filter(({ settledAt }) => settledAt <= now())
        .map(({ member, peerId, replica }) => ({ member, peerId, replica }));
      const record = contract.send(peer.replica, addressees);
      peer.member.peer.send("candidate", { roomId: peer.room, number: record.number }).then(
        (ack) => {
          record.ack = ack;
        },
        // Its connection is lost, and nothing was promised.
        () => undefined,
      );
    },
    async kill(index) {
      const replica = replicas[index];
      if (replica === undefined) return;
      contract.killed(index);
      replicas[index] = undefined;
      frozen.delete(index);
      for (const { member, replica: at } of peers) if (at === index) member.leftAt = Math.min(member.leftAt, now());
      await replica.program[Symbol.asyncDispose]();
    },
    async start(index) {
      if (replicas[index] === undefined) replicas[index] = await start(index);
    },
    async drain(index) {
      const replica = replicas[index];
      if (replica === undefined || frozen.has(index)) return;
      replicas[index] = undefined;
      replica.program.kill("SIGTERM");
      await replica.program.exited;
      replicas[index] = await start(index);
    },
    partition(index) {
      if (replicas[index] === undefined || frozen.has(index)) return;
      contract.cut(index);
      frozen.add(index);
      replicas[index]?.program.kill("SIGSTOP");
    },
    heal,
    broken: contract.broken,
    across: contract.across,
    async end() {
      for (const { member } of peers) member.peer.close();
      for (const index of [...frozen]) heal(index);
      await Promise.all(replicas.map((replica) => replica?.program[Symbol.asyncDispose]()));
    },
  };
  return world;
}
