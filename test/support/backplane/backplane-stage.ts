import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { type Load, startLoad } from "../load/signal-load.ts";
import { readMetric } from "../metric.ts";
import { until } from "../poll.ts";
import { type Replica, startReplica } from "../replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../signal-peer.ts";
import { type BackplaneServer, startBackplaneServer, type Variant } from "./backplane-server.ts";

/** All peers of a test have one address. */
const ofOneAddress = { CLIENT_JOIN_BURST: "100000", CLIENT_EVENT_BURST: "100000" };

/**
 * A backplane on real servers with three replicas, and the peers and loads of a test. Call `start` before, `clear`
 * between and `end` after the tests.
 *
 * @param more variables of the replicas
 */
export function createBackplaneStage(variant: Variant, more: Record<string, string> = {}) {
  let server: BackplaneServer | undefined;
  const replicas: Replica[] = [];
  const peers: SocketIoPeer[] = [];
  const loads: Load[] = [];

  const replica = (index: number) => replicas[index] as Replica;
  async function connect(index: number): Promise<SocketIoPeer> {
    const peer = await connectSocketIo(replica(index).url);
    peers.push(peer);
    return peer;
  }
  const peerOn = async (index: number, room: string) => joinRoom(await connect(index), room);
  const stateOf = async (index: number): Promise<string> =>
    ((await (await fetch(`${replica(index).adminUrl}/readyz`)).json()) as { state: string }).state;

  return {
    variant,
    replicas,
    replica,
    /** The backplane's servers. Available after `start`. */
    server: () => server as BackplaneServer,
    async start(): Promise<void> {
      const started = await startBackplaneServer(variant);
      server = started;
      const ids = ["signaling-1", "signaling-2", "signaling-3"];
      replicas.push(
        ...(await Promise.all(
          ids.map((nodeId) => startReplica(nodeId, started.url, { ...ofOneAddress, ...started.env, ...more })),
        )),
      );
      await until("the replicas hear each other", async () => {
        const heard = await Promise.all(replicas.map((one) => readMetric(one, "signaling_backplane_peers")));
        return heard.every((count) => count === 2);
      });
    },
    clear(): void {
      for (const load of loads.splice(0)) load.stop();
      for (const peer of peers.splice(0)) peer.close();
    },
    async end(): Promise<void> {
      await Promise.all(replicas.splice(0).map(({ program }) => program[Symbol.asyncDispose]()));
      await server?.[Symbol.asyncDispose]();
    },
    /** A connected peer on that replica. */
    connect,
    /** A peer on that replica that has joined the room. */
    peerOn,
    /** Two peers on these replicas, in a room of their own, that know each other. */
    async pair(first: number, second: number) {
      const room = randomUUID();
      const a = await peerOn(first, room);
      const b = await peerOn(second, room);
      await until("they see each other", () => a.got("peer-joined").length === 1);
      // A join that is not known everywhere within 300 ms is acknowledged, and b's replica may learn of a after b's join.
      const knows = () => b.peers.some(({ peerId }) => peerId === a.peerId) || b.got("peer-joined").length === 1;
      await until("b knows a too", knows);
      // Until then signals of other replicas may not arrive. A stall of the machine leaves a join unsettled.
      for (const peer of [a, b])
        if (!peer.settled) await until("its join is settled", () => peer.got("settled").length === 1);
      return { room, a, b };
    },
    load(...args: Parameters<typeof startLoad>): Load {
      const started = startLoad(...args);
      loads.push(started);
      return started;
    },
    stateOf,
    /** True if all replicas are in that state. */
    states: (state: string) => async () =>
      (await Promise.all(replicas.map((_, index) => stateOf(index)))).every((now) => now === state),
    dropped: async (index: number, reason: string) =>
      readMetric(replica(index), "signaling_backplane_dropped_total", { reason }),
    expectAlive(): void {
      for (const { program } of replicas) expect(program.child.exitCode, program.output()).toBeNull();
    },
  };
}

export type BackplaneStage = ReturnType<typeof createBackplaneStage>;
