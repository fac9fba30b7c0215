import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type BackplaneServer, startBackplaneServer, type Variant } from "../support/backplane/backplane-server.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

const recoveryMaxMs = 5_000;

/** Session recovery on a backplane that stores signals. */
export function describeRecovery(variant: Variant): void {
  describe(`session recovery on ${variant}`, () => {
    let server: BackplaneServer;
    let replicas: Replica[];
    const peers: SocketIoPeer[] = [];

    beforeAll(async () => {
      server = await startBackplaneServer(variant);
      const env = { ...server.env, RECOVERY_MAX_MS: String(recoveryMaxMs) };
      replicas = await Promise.all(
        ["signaling-1", "signaling-2"].map((nodeId) => startReplica(nodeId, server.url, env)),
      );
      // Three NATS servers choose a leader first.
      const ready = async ({ adminUrl }: Replica) =>
        (await (await fetch(`${adminUrl}/readyz`)).text()).includes('"ready"');
      await until("both are ready", async () => (await Promise.all(replicas.map(ready))).every(Boolean), {
        withinMs: 30_000,
      });
    });
    afterEach(() => {
      for (const peer of peers.splice(0)) peer.close();
    });
    afterAll(async () => {
      await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    });

    async function peerOn(index: number, room: string) {
      const peer = await connectSocketIo(replicas[index]?.url ?? "", { reconnection: false });
      peers.push(peer);
      return joinRoom(peer, room);
    }

    /** The replica of the peer's next connection: another one, as the proxy could choose. */
    function turnTo(peer: SocketIoPeer, index: number): void {
      (peer.socket.io as unknown as { uri: string }).uri = `${replicas[index]?.url}/signaling`;
    }

    test.each([
      ["the same replica", 0, 1],
      ["another replica, which has members of its room", 1, 1],
      ["another replica, which has none", 1, 0],
    ])(
      "signals sent during a peer's absence are replayed on %s: all of them, in order, once",
      async (_, next, third) => {
        const room = randomUUID();
        const a = await peerOn(0, room);
        const b = await peerOn(0, room);
        const c = await peerOn(third, room);
        // Drops repeats by id, like every client. A signal that Redis did not confirm in 100 ms was delivered out of order
        // and may be replayed.
        const numbers = (of: SocketIoPeer) => [
          ...new Map(of.got("candidate").map((signal) => [signal["id"], signal["n"]])).values(),
        ];
        let n = 0;
        const senders = [a, c];
        const timer = setInterval(() => {
          n += 1;
          (senders[n % 2] as SocketIoPeer).socket.emit("candidate", { roomId: room, n });
        }, 3);
        try {
          await until("signals flow", () => numbers(b).length > 20);
          for (let round = 0; round < 3; round += 1) {
            const losses = a.got("peer-away").length;
            b.socket.io.engine.close();
            const gone = n;
            // Its replica stores the session before that. Another one could ask for it too early.
            await until("b is away", () => a.got("peer-away").length > losses);
            await until("more is sent", () => n > gone + 100);
            turnTo(b, next);
            b.socket.connect();
            await until("it is back", () => b.socket.connected);
            expect(b.socket.recovered).toBe(true);
            const back = n;
            await until("signals flow", () => numbers(b).some((number) => Number(number) > back + 50));
          }
        } finally {
          clearInterval(timer);
        }
        await until("the last is there", () => numbers(b).includes(n));
        // On a busy machine a signal over a second in transit is dropped and counted. No other signal is lost.
        const stale = await Promise.all(
          replicas.map((replica) => readMetric(replica, "signaling_backplane_dropped_total", { reason: "stale" })),
        );
        expect(n - numbers(b).length).toBeLessThanOrEqual(stale.reduce((sum, count) => sum + count, 0));
        // With two senders the order of each one holds.
        for (const parity of [0, 1]) {
          const ofOne = numbers(b).filter((number) => Number(number) % 2 === parity) as number[];
          expect(ofOne).toEqual([...ofOne].sort((x, y) => x - y));
        }
      },
    );

    test("the first missed signal is replayed too, and the peer is present again without a join", async () => {
      const room = randomUUID();
      const a = await peerOn(0, room);
      const b = await peerOn(1, room);
      await until("a sees b", () => a.got("peer-joined").length === 1);
      await until("b has an offset", () => (b.socket as unknown as { _lastOffset?: string })._lastOffset !== undefined);
      b.socket.io.engine.close();
      await until("b is away", () => a.got("peer-away").length === 1);
      expect(await a.send("offer", { roomId: room })).toEqual({ ok: true, away: [b.peerId] });
      b.socket.connect();
      await until("b has the offer", () => b.got("offer").length === 1);
      await until("a sees it back", () => a.got("peer-joined").some(({ resumed }) => resumed === true));
      expect(await b.send("answer", { roomId: room, to: a.peerId })).toEqual({ ok: true });
      await until("a has the answer", () => a.got("answer").length === 1);
    });

    test("a client that names an old offset gets no signal from before its join and none of other rooms", async () => {
      const [room, other] = [randomUUID(), randomUUID()];
      const a = await peerOn(0, room);
      const early = await peerOn(1, room);
      const stranger = await peerOn(0, other);
      await a.send("offer", { roomId: room, secret: "before the join" });
      await until("it is delivered", () => early.got("offer").length === 1);
      const b = await peerOn(1, room);
      await until("b has an offset", () => (b.socket as unknown as { _lastOffset?: string })._lastOffset !== undefined);
      b.socket.io.engine.close();
      await until("b is away", () => a.got("peer-away").length === 1);
      await a.send("candidate", { roomId: room, n: 1 });
      await stranger.send("candidate", { roomId: other, secret: "another room" });
      (b.socket as unknown as { _lastOffset: string })._lastOffset = "0-1";
      b.socket.connect();
      await until("b has what it missed", () => b.got("candidate").length === 1);
      expect(b.socket.recovered).toBe(true);
      expect(b.got("offer")).toEqual([]);
      expect(JSON.stringify(b.events)).not.toMatch("secret");
    });

    test("after RECOVERY_MAX_MS nothing is replayed, and the session is new", async () => {
      const room = randomUUID();
      const a = await peerOn(0, room);
      const b = await peerOn(1, room);
      await until("a sees b", () => a.got("peer-joined").length === 1);
      await a.send("offer", { roomId: room, n: 1 });
      await until("b has it", () => b.got("offer").length === 1);
      b.socket.io.engine.close();
      await until("b is away", () => a.got("peer-away").length === 1);
      await a.send("offer", { roomId: room, n: 2 });
      const at = performance.now();
      await until("it is too late", () => performance.now() - at > recoveryMaxMs + 200);
      b.socket.connect();
      await until("it is back", () => b.socket.connected);
      expect(b.socket.recovered).toBe(false);
      await joinRoom(b, room, { resume: b.resume });
      await until("a sees it back", () => a.got("peer-joined").length === 2);
      await a.send("offer", { roomId: room, n: 3 });
      await until("b has the new one", () => b.got("offer").some(({ n }) => n === 3));
      expect(b.got("offer").map(({ n }) => n)).toEqual([1, 3]);
    });

    test("a killed replica has stored no session: the peer joins anew", async () => {
      const room = randomUUID();
      const lone = await startReplica("signaling-7", server.url, server.env);
      const a = await peerOn(0, room);
      const b = await connectSocketIo(lone.url, { reconnection: false });
      peers.push(b);
      const joined = await joinRoom(b, room);
      await a.send("offer", { roomId: room });
      await until("b has it", () => b.got("offer").length === 1);
      await lone.program[Symbol.asyncDispose]();
      turnTo(b, 1);
      await until("it noticed", () => !b.socket.connected);
      b.socket.connect();
      await until("it is back", () => b.socket.connected);
      expect(b.socket.recovered).toBe(false);
      expect(await b.join(room, { resume: joined.resume })).toMatchObject({ ok: true, peerId: joined.peerId });
    });

    test("100 signals that a peer misses in five disconnects are replayed once and in order", async () => {
      const room = randomUUID();
      const a = await peerOn(0, room);
      const b = await peerOn(1, room);
      await until("a sees b", () => a.got("peer-joined").length === 1);
      const numbers = () => b.got("candidate").map(({ n }) => n);
      for (let round = 1; round <= 5; round += 1) {
        b.socket.io.engine.close();
        await until("b is away", () => a.got("peer-away").length === round);
        for (let n = 20 * round - 19; n <= 20 * round; n += 1)
          expect(await a.send("candidate", { roomId: room, n })).toEqual({ ok: true, away: [b.peerId] });
        turnTo(b, round % 2);
        b.socket.connect();
        await until("it has what it missed", () => numbers().length >= 20 * round);
        expect(b.socket.recovered).toBe(true);
        await until("a sees it back", () => a.got("peer-joined").length === round + 1);
      }
      await a.send("offer", { roomId: room });
      await until("what came after it is there", () => b.got("offer").length === 1);
      expect(numbers()).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    });
  });
}
