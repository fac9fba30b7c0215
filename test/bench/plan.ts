import { parseArgs } from "node:util";
import { costWith, fitCost, type SignalCost } from "../../ops/plan/figures.ts";
import { playStorm } from "../../ops/plan/storm.ts";
import { changeAdmin } from "../../ops/stack/http.ts";
import { joinRoom, type Peer } from "../compose/peers.ts";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { until } from "../support/poll.ts";
import { startProxyProgram } from "../support/proxy.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startReplica } from "../support/replica.ts";
import { median } from "./signaling/against-recipe.ts";
import { startWarm } from "./signaling/backplanes.ts";

/**
 * Holds the arithmetic of `make plan` to measurements: the cost of a signal, fitted with two and three replicas, at six;
 * and the simulated reconnect storm beside a real one. Each must be within 25 %.
 *
 *   node test/bench/plan.ts --only cost,storm --rounds 5 --seconds 4 --peers 1000
 */
const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "cost,storm" },
    backplanes: { type: "string", default: "pubsub" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    peers: { type: "string", default: "1000" },
  },
});
const bound = 0.25;
/** Signals before the first sample, s: until the programs are compiled. */
const warmS = 5;
const total = ({ pair, server, bystanders }: SignalCost) => pair + server + bystanders;
let worst = 0;

function compare(name: string, predicted: number, measured: number, unit: string): void {
  const off = predicted / measured - 1;
  worst = Math.max(worst, Math.abs(off));
  const figures = `predicted ${predicted.toFixed(2)}, measured ${measured.toFixed(2)} ${unit}`;
  console.log(`${name.padEnd(34)} ${figures}: ${(off * 100).toFixed(1)} % (≤ ${bound * 100} %)`);
}

if (flags.only.includes("cost"))
  for (const backplane of flags.backplanes.split(",") as Variant[]) {
    await using started = new AsyncDisposableStack();
    // All run all the time and take turns, so that a busy moment and a warm processor meet each of them alike.
    const stacks = new Map<number, { warm: Awaited<ReturnType<typeof startWarm>>; samples: SignalCost[] }>();
    for (const count of [2, 3, 6]) {
      const warm = started.use(await startWarm(backplane, count, warmS));
      stacks.set(count, { warm, samples: [] });
    }
    for (let round = 0; round < Number(flags.rounds); round += 1)
      for (const { warm, samples } of stacks.values()) samples.push(await warm.cost(Number(flags.seconds)));
    const of = (count: number): SignalCost => {
      const samples = stacks.get(count)?.samples ?? [];
      const part = (name: keyof SignalCost) => median(samples.map((one) => one[name]));
      return { pair: part("pair"), server: part("server"), bystanders: part("bystanders") };
    };
    for (const [count, { samples }] of stacks) {
      const { pair, server, bystanders } = of(count);
      const shown = `pair ${pair.toFixed(2)}, server ${server.toFixed(2)}, others ${bystanders.toFixed(2)}`;
      const all = samples.map((one) => total(one).toFixed(2)).join(" ");
      console.log(`${backplane}, ${count} replicas: ${shown} CPU s / 100,000 signals; rounds ${all}`);
    }
    compare(
      `${backplane}, a signal at 6 replicas`,
      costWith(fitCost(of(2), of(3)), 6),
      total(of(6)),
      "CPU s / 100,000",
    );
  }

if (flags.only.includes("storm")) {
  const peers = Number(flags.peers);
  const [admitPerSecond, queueMs] = [100, 1_000];
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const replicas = [];
  for (const nodeId of ["signaling-1", "signaling-2", "signaling-3"]) {
    const replica = await startReplica(nodeId, redis.url, { OVERLOAD_LAG_MS: "60000" });
    started.use(replica.program);
    replicas.push(replica);
  }
  const proxy = started.use(
    await startProxyProgram([], {
      REPLICAS: replicas.map(({ nodeId, url, adminUrl }) => `${nodeId}=${url}|${adminUrl}/readyz`).join(","),
      ADMIT_PER_SECOND: String(admitPerSecond),
      ADMIT_QUEUE_MS: String(queueMs),
      MAX_SESSIONS_PER_CLIENT_PER_SECOND: "1000000",
    }),
  );
  const joined: Peer[] = [];
  for (let at = 0; at < peers; at += 50) {
    const room = (index: number) => `storm-${at + index}`;
    joined.push(
      ...(await Promise.all(
        Array.from({ length: 50 }, (_, index) => joinRoom(room(index), { url: proxy.url, transports: "websocket" })),
      )),
    );
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await changeAdmin({ adminToken: undefined }, "POST", `${proxy.admin}/tunnels/drop`, {});
  await until("every peer is back", () => joined.every(({ outages }) => outages.length > 0), {
    withinMs: 60_000,
    everyMs: 50,
  });
  const outages = joined.map(({ outages: [first = 0] }) => first).sort((one, other) => one - other);
  const at = (share: number) => outages[Math.ceil(outages.length * share) - 1] ?? 0;
  const played = playStorm({
    peers,
    replicas: 3,
    admitPerSecond,
    queueMs,
    connectMs: 20,
    backoff: { baseMs: 250, capMs: 3_000 },
    seed: 1,
  });
  compare(`storm of ${peers} peers, p50`, played.p50, at(0.5), "ms");
  compare(`storm of ${peers} peers, p95`, played.p95, at(0.95), "ms");
  for (const { client } of joined) void client.close();
}

process.exit(worst <= bound ? 0 : 1);
