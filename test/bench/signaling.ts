import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { type BarGroup, barChart } from "./bars.ts";
import { cpuSeconds, idleBytes, type Latency, oneWay } from "./signaling/measures.ts";

/**
 * The replicas under load, on each backplane: latency at three rates, CPU a signal by process, memory of an idle
 * connection, and how the cost of a signal grows with replicas that have no member of its room. Redis, replicas and
 * the clients share the machine; the ratios within one run are what counts.
 */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    rates: { type: "string", default: "200,1000,3000" },
    backplanes: { type: "string", default: "pubsub,sharded,streams" },
    connections: { type: "string", default: "500" },
    out: { type: "string", default: "reports/bench-signaling.json" },
  },
});
const seconds = Number(flags.seconds);
const rates = flags.rates.split(",").map(Number);

interface Result {
  backplane: string;
  latency: ({ scope: "local" | "remote"; perSecond: number } & Latency)[];
  /** CPU s per 100,000 remote signals. */
  cpu: { sender: number; receiver: number; bystander: number; redis: number };
  /** CPU s per 100,000 remote signals of all replicas and Redis together, with 2 and with 6 replicas. */
  growth: { two: number; six: number; ratio: number };
  idleBytes: number;
}

async function withReplicas<T>(
  backplane: string,
  count: number,
  run: (replicas: Replica[], redisPid: number) => Promise<T>,
): Promise<T> {
  await using redis = await startRedisServer();
  await using started = new AsyncDisposableStack();
  const replicas: Replica[] = [];
  for (let at = 1; at <= count; at += 1) {
    const replica = await startReplica(`signaling-${at}`, redis.url, {
      BACKPLANE: backplane,
      OVERLOAD_LAG_MS: "60000",
    });
    started.use(replica.program);
    replicas.push(replica);
  }
  return await run(replicas, redis.process().pid);
}

/** CPU s per 100,000 signals between the first two replicas, by pid; what idle replicas cost is taken off. */
async function cpuPerSignal(replicas: Replica[], redisPid: number, perSecond: number): Promise<Map<number, number>> {
  const pids = [...replicas.map(({ program }) => program.pid), redisPid];
  const idleFrom = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const idle = pids.map((pid, at) => cpuSeconds(pid) - (idleFrom[at] ?? 0));
  const [from, to] = replicas;
  if (from === undefined || to === undefined) throw new Error("two replicas are needed");
  const { signals, cpu } = await oneWay(from.url, to.url, { perSecond, seconds, pids });
  return new Map(
    pids.map((pid, at) => [pid, (Math.max(0, (cpu.get(pid) ?? 0) - (idle[at] ?? 0)) * 100_000) / signals]),
  );
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
const results: Result[] = [];
for (const backplane of flags.backplanes.split(",")) {
  const result = await withReplicas(backplane, 3, async (replicas, redisPid) => {
    const [one, two, three] = replicas;
    if (one === undefined || two === undefined || three === undefined) throw new Error("three replicas are needed");
    const latency: Result["latency"] = [];
    await oneWay(one.url, two.url, { perSecond: 1_000, seconds: 2, pids: [] });
    for (const perSecond of rates)
      for (const scope of ["local", "remote"] as const) {
        const to = scope === "local" ? one : two;
        latency.push({
          scope,
          perSecond,
          ...(await oneWay(one.url, to.url, { perSecond, seconds, pids: [] })).latency,
        });
      }
    const cpu = await cpuPerSignal(replicas, redisPid, 1_000);
    const of = (pid: number) => cpu.get(pid) ?? 0;
    return {
      latency,
      cpu: {
        sender: of(one.program.pid),
        receiver: of(two.program.pid),
        bystander: of(three.program.pid),
        redis: of(redisPid),
      },
      idleBytes: await idleBytes(three, Number(flags.connections)),
    };
  });
  const cost = (count: number) =>
    withReplicas(backplane, count, async (replicas, redisPid) => {
      await oneWay(replicas[0]?.url ?? "", replicas[1]?.url ?? "", { perSecond: 1_000, seconds: 2, pids: [] });
      return sum((await cpuPerSignal(replicas, redisPid, 1_000)).values());
    });
  const two = await cost(2);
  const six = await cost(6);
  results.push({ backplane, ...result, growth: { two, six, ratio: six / two } });
}

console.log("\none-way latency, ms            rate/s    p50     p99    lost");
for (const { backplane, latency } of results)
  for (const { scope, perSecond, p50, p99, lost } of latency)
    console.log(
      `${backplane.padEnd(10)} ${scope.padEnd(18)} ${String(perSecond).padStart(7)} ${p50.toFixed(2).padStart(7)} ${p99.toFixed(2).padStart(7)} ${String(lost).padStart(7)}`,
    );
console.log("\nCPU s / 100,000 remote signals  sender  receiver  bystander  redis   2 replicas  6 replicas  growth");
for (const { backplane, cpu, growth } of results)
  console.log(
    `${backplane.padEnd(30)} ${[cpu.sender, cpu.receiver, cpu.bystander, cpu.redis].map((one) => one.toFixed(2).padStart(8)).join(" ")}   ${growth.two.toFixed(2).padStart(9)} ${growth.six.toFixed(2).padStart(11)} ${growth.ratio.toFixed(2).padStart(8)}`,
  );
console.log("\nbytes an idle WebSocket in one room of its own");
for (const one of results) console.log(`${one.backplane.padEnd(10)} ${Math.round(one.idleBytes)}`);
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify({ at: new Date().toISOString(), seconds, results }, null, 2)}\n`);
const plot = flags.out.replace(/(\.json)?$/, ".svg");
const groups: BarGroup[] = [
  ...rates.flatMap((perSecond) =>
    (["local", "remote"] as const).map((scope) => ({
      name: `${scope} p99 at ${perSecond}/s, ms`,
      bars: results.map(({ backplane, latency }) => ({
        name: backplane,
        value: latency.find((one) => one.scope === scope && one.perSecond === perSecond)?.p99 ?? Number.NaN,
      })),
    })),
  ),
  {
    name: "CPU growth from 2 to 6 replicas",
    bars: results.map(({ backplane, growth }) => ({ name: backplane, value: growth.ratio })),
  },
  {
    name: "KiB an idle WebSocket",
    bars: results.map((one) => ({ name: one.backplane, value: one.idleBytes / 1_024 })),
  },
];
writeFileSync(plot, barChart("The replicas on each backplane", groups, 100));
console.log(`\n${flags.out}, ${plot}`);
process.exit(0);
