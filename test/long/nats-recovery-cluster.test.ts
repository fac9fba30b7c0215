import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { entries, sessions } from "../../services/signaling/backplane/nats/jetstream-connection.ts";
import { inboxPrefix } from "../../services/signaling/backplane/nats/nats-connection.ts";
import { describeRecovery } from "../conformance/recovery-suite.ts";
import { createBackplaneStage } from "../support/backplane/backplane-stage.ts";
import { connectNats } from "../support/backplane/nats-server.ts";
import { expectNoneStale } from "../support/load/none-stale.ts";
import { type Load, quantile } from "../support/load/signal-load.ts";
import { until } from "../support/poll.ts";

describeRecovery("nats-recovery-cluster");

/** NATS waits 4 to 9 s before an election. One may fail, and there is one for JetStream and one for each stream, ms. */
const elected = { withinMs: 40_000 };

describe("one of three NATS servers is killed under load, with session recovery", () => {
  const stage = createBackplaneStage("nats-recovery-cluster", { RECOVERY_MAX_MS: "30000" });
  const { replicas, pair, load, states, server, expectAlive } = stage;
  beforeEach(async () => {
    await stage.start();
    await until("all replicas are ready", states("ready"), { withinMs: 30_000 });
    await whole();
  });
  afterEach(async () => {
    stage.clear();
    await stage.end();
  });

  /** Resolves when each stream has a leader and two current copies. */
  async function whole(): Promise<void> {
    await until(
      "the streams are whole",
      async () => {
        const client = await connectNats({ port: server().servers[0]?.port ?? 0, inboxPrefix });
        try {
          const manager = await jetstreamManager(client, { timeout: 1_000, checkAPI: false });
          const infos = await Promise.all([entries, sessions].map(({ name }) => manager.streams.info(name)));
          return infos.every(
            ({ cluster }) =>
              cluster?.leader !== undefined && cluster.replicas?.filter(({ current }) => current).length === 2,
          );
        } finally {
          await client.close();
        }
      },
      { withinMs: 30_000 },
    );
  }

  test("each is killed twice: 0 exits, 0 stale, local p99 < 250 ms", async () => {
    const pairs = [await pair(0, 0), await pair(0, 1), await pair(2, 0)];
    const loads = pairs.map(({ a, b, room }) => load(a, b, room, 100, "load"));
    const [local, ...remote] = loads as [Load, Load, Load];
    await until("signals flow", () => loads.every((one) => one.received().length > 200));
    const busyMs = quantile(local.latencies(), 0.99);
    const awayMs: number[] = [];
    for (const killed of [...server().servers, ...server().servers]) {
      const flowing = remote.map((one) => one.received().length);
      await until("remote signals flow", () =>
        remote.every((one, at) => one.received().length > (flowing[at] ?? 0) + 50),
      );
      await killed.kill();
      const at = performance.now();
      const sent = remote.map((one) => one.sent());
      await until(
        "remote signals flow again",
        () => remote.every((one, index) => one.numbers().some((number) => number > (sent[index] ?? 0) + 5)),
        elected,
      );
      awayMs.push(Math.round(performance.now() - at));
      await killed.start();
      await until("all are ready", states("ready"), elected);
      await whole();
    }
    for (const one of loads) one.stop();
    await until("every local signal is there", () => local.numbers().length === local.sent());
    const p99 = quantile(local.latencies(), 0.99);
    process.stdout.write(
      `nats-recovery, three servers, 6 kills: remote away for ${awayMs.join(", ")} ms; local p99 ${p99} ms (before: ${busyMs} ms), ` +
        `oldest remote ${Math.max(...remote.map((one) => one.latencies().at(-1) ?? 0))} ms\n`,
    );
    expectAlive();
    await expectNoneStale(replicas);
    expect(p99).toBeLessThan(250 + busyMs);
  }, 240_000);
});
