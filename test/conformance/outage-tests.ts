import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { BackplaneStage } from "../support/backplane/backplane-stage.ts";
import { quantile } from "../support/load/signal-load.ts";
import { until } from "../support/poll.ts";
import { startReplica } from "../support/replica.ts";
import { poison } from "./poison.ts";
import { captureSignal } from "./replay.ts";

/** A second in transit, plus the machine's time from a peer to its replica and back, ms. */
const oldestMs = 1_500;
/**
 * Bound of same-replica delivery while the backplane is gone, ms. Other load on the machine delays each signal, so the
 * latency of the same signals before the outage, in the same run, is added to the bounds.
 */
const localP99Ms = 250;

/** The backplane, or a replica, is lost, frozen, slow, restarted or fed with malformed messages. */
export function testOutages(stage: BackplaneStage): void {
  const { replica, peerOn, pair, load, stateOf, states, dropped, expectAlive, replicas, server, variant } = stage;

  /** Runs `break` under load and checks the promises for every outage. */
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
    // A peer with an open socket is neither away nor gone.
    const told = remote.a.events.slice(joinsBefore).map(([event]) => event);
    expect(told).not.toContain("peer-left");
    expectAlive();
  }

  test("killed under load: no replica exits, local delivery goes on, nothing stale arrives, ready within 3 s", async () => {
    await expectOutageSurvived(
      () => server().kill(),
      () => server().start(),
    );
  });

  test("frozen under load, with half-open connections: the same", async () => {
    await expectOutageSurvived(
      () => server().freeze(),
      () => server().thaw(),
    );
  });

  test("restarted in order: the same replicas carry on", async () => {
    const { room, a, b } = await pair(0, 1);
    await Promise.all(server().servers.map((each) => each.process().kill("SIGTERM")));
    await Promise.all(server().servers.map((each) => each.process().exited));
    await server().start();
    await until("all replicas are ready", states("ready"), { withinMs: 3_000 });
    expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
    await until("the offer is there", () => b.got("offer").length === 1);
    expectAlive();
  });

  test("its connections are killed repeatedly: back within 3 s each time", async () => {
    const { room, a, b } = await pair(0, 2);
    for (const type of ["normal", "pubsub", "normal", "pubsub"]) {
      await server().cut(type);
      const before = b.got("offer").length;
      await until(
        "a signal gets through",
        async () => {
          await a.send("offer", { roomId: room });
          return b.got("offer").length > before;
        },
        { withinMs: 3_000 },
      );
      // Not before a signal got through: a replica is ready until it notices the cut.
      await until("ready", states("ready"), { withinMs: 3_000 });
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
    await server().pause(500);
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

  test("a copied signal is dropped as replayed, and after a second as stale; both are counted", async () => {
    const { room, a, b } = await pair(0, 1);
    const wire = await captureSignal(server(), variant, room, () => a.send("offer", { roomId: room }));
    try {
      const sentAt = performance.now();
      const copies = await dropped(1, "replayed");
      await wire.again();
      const isCounted = async () => (await dropped(1, "replayed")) > copies;
      await until("its copy is known as one while it is fresh", isCounted);
      await until("it is stale", () => performance.now() - sentAt > 1_100);
      const before = await dropped(1, "stale");
      await wire.again();
      await until("it is counted", async () => (await dropped(1, "stale")) > before);
      await a.send("answer", { roomId: room });
      await until("what came after it is there", () => b.got("answer").length === 1);
      expect(b.got("offer").length).toBe(1);
    } finally {
      wire.close();
    }
  });

  test("malformed payloads on its channels do no harm", async () => {
    const { room, a, b } = await pair(0, 1);
    const known = b.events.length;
    const before = (await dropped(0, "foreign")) + (await dropped(0, "poisoned"));
    const count = await poison(server(), variant, room);
    expect(count).toBeGreaterThan(100);
    await until("it is counted", async () => (await dropped(0, "foreign")) + (await dropped(0, "poisoned")) > before);
    expect(await a.send("offer", { roomId: room, n: 1 })).toEqual({ ok: true });
    await until("the offer is there", () => b.got("offer").length === 1);
    expect(b.events.slice(known).map(([event]) => event)).toEqual(["offer"]);
    expect([a.socket.connected, b.socket.connected]).toEqual([true, true]);
    expect(await stateOf(0)).toBe("ready");
    expectAlive();
  });

  test("the peers of a frozen replica are away, and it is believed again when it resumes", async () => {
    const { a, b } = await pair(0, 1);
    replica(1).program.kill("SIGSTOP");
    await until("b is away", () => a.got("peer-away").some(({ peerId }) => peerId === b.peerId), { withinMs: 4_000 });
    expect(a.got("peer-away")[0]).toMatchObject({ reason: "replica-lost" });
    replica(1).program.kill("SIGCONT");
    await until("b is back", () => a.got("peer-joined").length === 2, { withinMs: 8_000 });
    expect(a.got("peer-left")).toEqual([]);
  });

  test("a replica that starts without the backplane serves its own peers, and joins the others when the backplane is up", async () => {
    await server().kill();
    const lone = await startReplica("signaling-9", server().url, server().env);
    replicas.push(lone);
    try {
      const room = randomUUID();
      const [a, b] = [await peerOn(3, room), await peerOn(3, room)];
      expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
      await until("b has it", () => b.got("offer").length === 1);
      expect(await stateOf(3)).toBe("degraded");
      await server().start();
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
}
