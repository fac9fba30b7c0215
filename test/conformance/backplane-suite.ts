import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type BackplaneServer, startBackplaneServer, type Variant } from "../support/backplane-server.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { type Load, quantile, startLoad } from "../support/signal-load.ts";
import { connectSocketIo, type JoinedPeer, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";
import { poison } from "./poison.ts";
import { captureSignal } from "./replay.ts";

/** A second in transit, and what the machine may take from a peer to its replica and back, ms. */
const oldestMs = 1_500;
/**
 * Bound of same-replica delivery while the backplane is gone, ms. A machine that is busy with something else adds to
 * each signal: what the same signals took before the outage, in the same run, is added to the bounds.
 */
const localP99Ms = 250;

/**
 * What every backplane must do, on real servers and real replicas. It ends with all replicas alive: no test may end a
 * process that it does not kill.
 */
export function describeBackplane(variant: Variant): void {
  describe(`backplane ${variant}`, () => {
    let server: BackplaneServer;
    let replicas: Replica[] = [];
    const peers: SocketIoPeer[] = [];
    const loads: Load[] = [];

    beforeAll(async () => {
      server = await startBackplaneServer(variant);
      replicas = await Promise.all(
        ["signaling-1", "signaling-2", "signaling-3"].map((nodeId) => startReplica(nodeId, server.url, server.env)),
      );
      await until("the replicas hear each other", async () => {
        const heard = await Promise.all(replicas.map((replica) => readMetric(replica, "signaling_backplane_peers")));
        return heard.every((count) => count === 2);
      });
    });
    afterEach(() => {
      for (const load of loads.splice(0)) load.stop();
      for (const peer of peers.splice(0)) peer.close();
    });
    afterAll(async () => {
      await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    });

    const replica = (index: number) => replicas[index] as Replica;
    async function peerOn(index: number, room: string) {
      const peer = await connectSocketIo(replica(index).url);
      peers.push(peer);
      return joinRoom(peer, room);
    }
    async function pair(first: number, second: number) {
      const room = randomUUID();
      const a = await peerOn(first, room);
      const b = await peerOn(second, room);
      await until("they see each other", () => a.got("peer-joined").length === 1);
      return { room, a, b };
    }
    function load(...args: Parameters<typeof startLoad>): Load {
      const started = startLoad(...args);
      loads.push(started);
      return started;
    }
    const stateOf = async (index: number): Promise<string> =>
      ((await (await fetch(`${replica(index).adminUrl}/readyz`)).json()) as { state: string }).state;
    const states = (state: string) => async () =>
      (await Promise.all(replicas.map((_, index) => stateOf(index)))).every((now) => now === state);
    const dropped = async (index: number, reason: string) =>
      readMetric(replica(index), "signaling_backplane_dropped_total", { reason });
    function expectAlive(): void {
      for (const { program } of replicas) expect(program.child.exitCode, program.output()).toBeNull();
    }

    test("a signal reaches the room on every replica, once, and nobody else", async () => {
      const room = randomUUID();
      const members = await Promise.all([0, 0, 1, 2].map((index) => peerOn(index, room)));
      const stranger = await peerOn(1, randomUUID());
      const [sender, ...others] = members as [SocketIoPeer & { peerId: string }, ...typeof members];
      await until("the sender sees all", () => sender.got("peer-joined").length >= 2);
      await until("all are known", async () => {
        const { members: known } = (await (await fetch(`${replica(0).adminUrl}/rooms/${room}`)).json()) as {
          members: unknown[];
        };
        return known.length === 4;
      });
      expect(await sender.send("offer", { roomId: room, n: 1 })).toEqual({ ok: true });
      await until("all have it", () => others.every((peer) => peer.got("offer").length > 0));
      const target = others[2] as (typeof others)[number];
      expect(await sender.send("offer", { roomId: room, n: 2, to: target.peerId })).toEqual({ ok: true });
      await until("the addressee has it", () => target.got("offer").length === 2);
      expect(await sender.send("offer", { roomId: room, n: 3 })).toEqual({ ok: true });
      await until("all have the last one", () => others.every((peer) => peer.got("offer").some(({ n }) => n === 3)));
      expect(others.map((peer) => peer.got("offer").map(({ n }) => n))).toEqual([
        [1, 3],
        [1, 3],
        [1, 2, 3],
      ]);
      expect(sender.got("offer")).toEqual([]);
      expect(stranger.got("offer")).toEqual([]);
    });

    test("binary parts arrive as they were", async () => {
      const { room, a, b } = await pair(0, 1);
      const bytes = Buffer.from([0, 255, 123, 10, 13]);
      expect(await a.send("candidate", { roomId: room, candidate: { bytes } })).toEqual({ ok: true });
      await until("it is there", () => b.got("candidate").length === 1);
      expect(b.got("candidate")).toMatchObject([{ candidate: { bytes } }]);
    });

    test("rooms whose names look like a socket id, a number or a channel are rooms like any", async () => {
      for (const room of ["x".repeat(18), "y".repeat(20), "12345", "a#b#", "*", "é".repeat(10)]) {
        const [a, b] = [await peerOn(0, room), await peerOn(1, room)];
        await until("they see each other", () => a.got("peer-joined").length === 1);
        await a.send("offer", { roomId: room });
        await until(`the offer to ${room} is there`, () => b.got("offer").length === 1);
      }
    });

    test("peers of both gateways on different replicas call each other", async () => {
      const room = randomUUID();
      const rawPeers = await Promise.all(
        [0, 1].map(async (index) => joinRoom(await connectRaw(replica(index).url), room)),
      );
      const all: JoinedPeer[] = [...rawPeers, await peerOn(1, room), await peerOn(2, room)];
      try {
        for (const [index, peer] of all.entries()) {
          await until("it knows all", async () => {
            const body = await (await fetch(`${replica([0, 1, 1, 2][index] ?? 0).adminUrl}/rooms/${room}`)).json();
            return (body as { members: unknown[] }).members.length === all.length;
          });
          expect(await peer.send("offer", { roomId: room, n: index })).toEqual({ ok: true });
        }
        const expected = (index: number) => [0, 1, 2, 3].filter((n) => n !== index);
        await until("each has those of all others, once", () =>
          all.every(
            (peer, index) =>
              JSON.stringify(
                peer
                  .got("offer")
                  .map(({ n }) => n)
                  .sort(),
              ) === JSON.stringify(expected(index)),
          ),
        );
      } finally {
        for (const peer of rawPeers) peer.close();
      }
    });

    test("presence is told on every replica: joined, away, resumed, left", async () => {
      const { room, a, b } = await pair(0, 1);
      b.socket.io.engine.close();
      await until("b is away", () => a.got("peer-away").length === 1);
      const back = await connectSocketIo(replica(2).url);
      peers.push(back);
      await joinRoom(back, room, { resume: b.resume });
      await until("b is back", () => a.got("peer-joined").some(({ resumed }) => resumed === true));
      expect(a.got("peer-joined").at(-1)).toEqual({
        roomId: room,
        peerId: b.peerId,
        node: "signaling-3",
        resumed: true,
      });
      await back.socket.emitWithAck("leave", room);
      await until("b has left", () => a.got("peer-left").length === 1);
      expect(a.got("peer-left")).toEqual([{ roomId: room, peerId: b.peerId, reason: "left" }]);
    });

    /** Runs `break` under load, and expects what holds for every outage. */
    async function expectOutageSurvived(harm: () => void | Promise<void>, heal: () => void | Promise<void>) {
      const local = await pair(0, 0);
      const remote = await pair(0, 1);
      const localLoad = load(local.a, local.b, local.room, 100, "local");
      const remoteLoad = load(remote.a, remote.b, remote.room, 100, "remote");
      await until("signals flow", () => localLoad.received().length > 100 && remoteLoad.received().length > 20);
      const busyMs = quantile(localLoad.latencies(), 0.99);
      const joinsBefore = remote.a.events.length;

      await harm();
      await until("all replicas are degraded", states("degraded"), { withinMs: 4_000 });
      await until("acks say so", () => remoteLoad.refusals().includes("backplane-down"));
      const refusal = await remote.a.send("bye", { roomId: remote.room, stream: "none" });
      expect(refusal).toMatchObject({ ok: false, error: { code: "backplane-down" } });
      const reached = localLoad.received().length;
      await until("local signals go on", () => localLoad.received().length > reached + 300);

      await heal();
      const healedAt = performance.now();
      await until("all replicas are ready", states("ready"), { withinMs: 3_000 });
      const readyMs = performance.now() - healedAt;
      const numberThen = remoteLoad.sent();
      await until("remote signals flow again", () => remoteLoad.numbers().some((number) => number >= numberThen));
      localLoad.stop();
      remoteLoad.stop();
      await until("every local signal is there", () => localLoad.numbers().length === localLoad.sent());

      const latencies = localLoad.latencies();
      const oldest = remoteLoad.latencies().at(-1) ?? 0;
      const p99 = quantile(latencies, 0.99);
      process.stdout.write(
        `${variant}: local p99 ${p99} ms (before: ${busyMs} ms), oldest remote ${oldest} ms, ready after ${Math.round(readyMs)} ms, ` +
          `${remoteLoad.sent() - remoteLoad.numbers().length} of ${remoteLoad.sent()} remote signals lost\n`,
      );
      expect(p99).toBeLessThan(localP99Ms + busyMs);
      expect(localLoad.numbers()).toEqual([...localLoad.numbers()].sort((x, y) => x - y));
      expect(localLoad.refusals()).toEqual([]);
      expect(oldest).toBeLessThan(oldestMs + (latencies.at(-1) ?? 0));
      expect(new Set(remoteLoad.numbers()).size).toBe(remoteLoad.numbers().length);
      // Whoever's socket lives is neither away nor gone.
      const told = remote.a.events.slice(joinsBefore).map(([event]) => event);
      expect(told).not.toContain("peer-left");
      expectAlive();
    }

    test("killed under load: nobody exits, local delivery goes on, nothing stale, ready within 3 s", async () => {
      await expectOutageSurvived(server.kill, server.start);
    });

    test("frozen under load, a half-open link: the same", async () => {
      await expectOutageSurvived(server.freeze, server.thaw);
    });

    test("restarted in order: the same replicas carry on", async () => {
      const { room, a, b } = await pair(0, 1);
      await Promise.all(server.servers.map((each) => each.process().kill("SIGTERM")));
      await Promise.all(server.servers.map((each) => each.process().exited));
      await server.start();
      await until("all replicas are ready", states("ready"), { withinMs: 3_000 });
      expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
      await until("the offer is there", () => b.got("offer").length === 1);
      expectAlive();
    });

    test("its connections killed again and again: back within 3 s each time", async () => {
      const { room, a, b } = await pair(0, 2);
      for (const type of ["normal", "pubsub", "normal", "pubsub"]) {
        await server.command(["CLIENT", "KILL", "TYPE", type]);
        await until("ready", states("ready"), { withinMs: 3_000 });
        const before = b.got("offer").length;
        await until(
          "a signal gets through",
          async () => {
            await a.send("offer", { roomId: room });
            return b.got("offer").length > before;
          },
          { withinMs: 3_000 },
        );
      }
      expectAlive();
    });

    test("slow: remote signals are late, local ones are not", async () => {
      const local = await pair(0, 0);
      const remote = await pair(0, 1);
      const localLoad = load(local.a, local.b, local.room, 50, "local");
      const remoteLoad = load(remote.a, remote.b, remote.room, 50, "remote");
      await until("signals flow", () => localLoad.received().length > 100 && remoteLoad.received().length > 20);
      const busyMs = quantile(localLoad.latencies(), 0.99);
      await server.command(["CLIENT", "PAUSE", "500", "ALL"]);
      await until("remote signals are late", () => (remoteLoad.latencies().at(-1) ?? 0) > 250);
      const before = remoteLoad.sent();
      await until("they are in time again", () => remoteLoad.numbers().some((number) => number > before + 50));
      localLoad.stop();
      remoteLoad.stop();
      expect(quantile(localLoad.latencies(), 0.99)).toBeLessThan(localP99Ms + busyMs);
      expect(remoteLoad.refusals()).toEqual([]);
      await until("none is lost", () => remoteLoad.numbers().length === remoteLoad.sent());
      expectAlive();
    });

    test("a signal that was over a second on its way is dropped and counted", async () => {
      const { room, a, b } = await pair(0, 1);
      const wire = await captureSignal(server, variant, room, () => a.send("offer", { roomId: room }));
      try {
        const sentAt = performance.now();
        await wire.again();
        await until("its copy is delivered while it is fresh", () => b.got("offer").length === 2, { withinMs: 900 });
        await until("it is stale", () => performance.now() - sentAt > 1_100);
        const before = await dropped(1, "stale");
        await wire.again();
        await until("it is counted", async () => (await dropped(1, "stale")) > before);
        await a.send("answer", { roomId: room });
        await until("what came after it is there", () => b.got("answer").length === 1);
        expect(b.got("offer").length).toBe(2);
      } finally {
        wire.close();
      }
    });

    test("poisoned payloads on its channels harm nobody", async () => {
      const { room, a, b } = await pair(0, 1);
      const before = (await dropped(0, "foreign")) + (await dropped(0, "poisoned"));
      const count = await poison(server, variant, room);
      expect(count).toBeGreaterThan(100);
      await until("it is counted", async () => (await dropped(0, "foreign")) + (await dropped(0, "poisoned")) > before);
      expect(await a.send("offer", { roomId: room, n: 1 })).toEqual({ ok: true });
      await until("the offer is there", () => b.got("offer").length === 1);
      expect(b.events.map(([event]) => event)).toEqual(["offer"]);
      expect([a.socket.connected, b.socket.connected]).toEqual([true, true]);
      expect(await stateOf(0)).toBe("ready");
      expectAlive();
    });

    test("a frozen replica has its peers away, and is believed again when it goes on", async () => {
      const { a, b } = await pair(0, 1);
      replica(1).program.kill("SIGSTOP");
      await until("b is away", () => a.got("peer-away").some(({ peerId }) => peerId === b.peerId), { withinMs: 4_000 });
      expect(a.got("peer-away")[0]).toMatchObject({ reason: "replica-lost" });
      replica(1).program.kill("SIGCONT");
      await until("b is back", () => a.got("peer-joined").length === 2, { withinMs: 8_000 });
      expect(a.got("peer-left")).toEqual([]);
    });

    test("a replica that starts without the backplane serves its own peers, and joins the others when it is there", async () => {
      await server.kill();
      const lone = await startReplica("signaling-9", server.url, server.env);
      replicas.push(lone);
      try {
        const room = randomUUID();
        const [a, b] = [await peerOn(3, room), await peerOn(3, room)];
        expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
        await until("b has it", () => b.got("offer").length === 1);
        expect(await stateOf(3)).toBe("degraded");
        await server.start();
        await until("ready", states("ready"), { withinMs: 3_000 });
        const c = await peerOn(0, room);
        await until("c is seen", () => a.got("peer-joined").some(({ peerId }) => peerId === c.peerId));
        await c.send("answer", { roomId: room });
        await until("c is heard", () => a.got("answer").length === 1);
      } finally {
        replicas.pop();
        lone.program.kill("SIGTERM");
        expect(await lone.program.exited).toBe(0);
      }
    });
  });
}
