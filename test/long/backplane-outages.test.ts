import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { createBackplaneStage } from "../support/backplane/backplane-stage.ts";
import { expectNoneStale } from "../support/load/none-stale.ts";
import { type Load, quantile } from "../support/load/signal-load.ts";
import { until } from "../support/poll.ts";

const kills = 20;
/** Signals a second, over four pairs of peers: two on one replica, two across replicas. */
const signalsPerSecond = 1_000;
/** A second in transit, plus the machine's time from a peer to its replica and back, ms. */
const oldestMs = 1_500;
const localP99Ms = 250;
/** The latency of the same signals before the first kill, in the same run, is added to the bounds (see the suite). */
const warmSignals = 1_000;
const goneMs = 60_000;

const variants: Variant[] = ["pubsub", "sharded", "sharded-cluster", "streams", "nats", "nats-recovery"];

describe.each(variants)("long outages of %s", (variant) => {
  const stage = createBackplaneStage(variant);
  const { replicas, peerOn, pair, load, states, server } = stage;
  beforeEach(stage.start);
  afterEach(async () => {
    stage.clear();
    await stage.end();
  });

  test(`${kills} kills in a row under ${signalsPerSecond} signals/s: 0 exits, 0 stale, local p99 < ${localP99Ms} ms`, async () => {
    const pids = replicas.map(({ program }) => program.pid);
    const pairs = [await pair(0, 0), await pair(1, 1), await pair(0, 1), await pair(2, 0)];
    const loads = pairs.map(({ a, b, room }) => load(a, b, room, signalsPerSecond / 4, "load"));
    const [first, second, third, fourth] = loads as [Load, Load, Load, Load];
    await until("signals flow", () => first.received().length > warmSignals);
    const busyMs = quantile(first.latencies(), 0.99);
    let slowestReadyMs = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const flowing = third.received().length;
      await until("remote signals flow", () => third.received().length > flowing + 50);
      await server().kill();
      await until("all are degraded", states("degraded"), { withinMs: 4_000 });
      const reached = first.received().length;
      await until("local signals go on", () => first.received().length > reached + 250);
      await server().start();
      const at = performance.now();
      await until("all are ready", states("ready"), { withinMs: 3_000 });
      slowestReadyMs = Math.max(slowestReadyMs, performance.now() - at);
    }
    for (const one of loads) one.stop();
    for (const one of [first, second])
      await until("every local signal is there", () => one.numbers().length === one.sent());
    const local = [...first.latencies(), ...second.latencies()].sort((a, b) => a - b);
    const remote = [...third.latencies(), ...fourth.latencies()].sort((a, b) => a - b);
    const sent = third.sent() + fourth.sent();
    process.stdout.write(
      `${variant}: ${kills} kills, local p99 before: ${busyMs} ms; ${local.length} local signals, p50 ${quantile(local, 0.5)} ms, ` +
        `p99 ${quantile(local, 0.99)} ms, slowest ${local.at(-1)} ms; remote: ${remote.length} of ${sent} delivered, ` +
        `oldest ${remote.at(-1)} ms; slowest ready ${Math.round(slowestReadyMs)} ms after the server answered\n`,
    );
    expect(replicas.map(({ program }) => [program.pid, program.child.exitCode])).toEqual(
      pids.map((pid) => [pid, null]),
    );
    expect(remote.filter((age) => age > oldestMs + (local.at(-1) ?? 0)).length).toBe(0);
    await expectNoneStale(replicas);
    expect(quantile(local, 0.99)).toBeLessThan(localP99Ms + busyMs);
  }, 300_000);

  test("down for a minute: no peer with an open socket has left, and all replicas agree within 5 s afterwards", async () => {
    const rooms = await Promise.all([
      ...Array.from({ length: 6 }, (_, index) => pair(index % 3, (index + 1) % 3)),
      pair(0, 0),
    ]);
    const changing = randomUUID();
    const stayer = await peerOn(0, changing);
    const leaver = await peerOn(1, changing);
    await until("they see each other", () => stayer.got("peer-joined").length === 1);
    await server().kill();
    await until("all are degraded", states("degraded"), { withinMs: 4_000 });
    const wentAt = performance.now();
    await leaver.socket.emitWithAck("leave", changing);
    const newcomer = await peerOn(2, changing);
    await until("a minute has passed", () => performance.now() - wentAt > goneMs, { withinMs: goneMs + 10_000 });
    await server().start();
    const backAt = performance.now();
    const expected = new Map(rooms.map(({ room, a, b }) => [room, [a.peerId, b.peerId].sort()]));
    expected.set(changing, [stayer.peerId, newcomer.peerId].sort());
    await until(
      "all replicas agree",
      async () => {
        for (const [room, ids] of expected)
          for (const { adminUrl } of replicas) {
            const body = (await (await fetch(`${adminUrl}/rooms/${room}`)).json()) as {
              members: { peerId: string; away: boolean }[];
            };
            const known = body.members.filter(({ away }) => !away).map(({ peerId }) => peerId);
            if (body.members.length !== known.length || JSON.stringify(known.sort()) !== JSON.stringify(ids))
              return false;
          }
        return true;
      },
      { withinMs: 5_000 },
    );
    process.stdout.write(`${variant}: agreed ${Math.round(performance.now() - backAt)} ms after it was back\n`);
    for (const { a, b } of rooms)
      for (const peer of [a, b])
        expect(peer.events.filter(([event]) => event === "peer-left" || event === "peer-away")).toEqual([]);
    expect(stayer.got("peer-left")).toMatchObject([{ peerId: leaver.peerId }]);
    expect(stayer.got("peer-joined").some(({ peerId }) => peerId === newcomer.peerId)).toBe(true);
  }, 180_000);
});
