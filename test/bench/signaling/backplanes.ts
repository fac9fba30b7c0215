import type { SignalCost } from "../../../ops/plan/figures.ts";
import { startBackplaneServer, type Variant } from "../../support/backplane/backplane-server.ts";
import { type Replica, startReplica } from "../../support/replica.ts";
import { cpuSeconds, type Latency, oneWay } from "./measures.ts";

const rates = [200, 1_000, 3_000];

interface Result {
  backplane: Variant;
  latency: ({ scope: "local" | "remote"; perSecond: number } & Latency)[];
  /** CPU s per 100,000 remote signals. */
  cpu: { sender: number; receiver: number; bystander: number; server: number };
  /** CPU s per 100,000 remote signals of all replicas and the server together, with 2 and with 6 replicas. */
  growth: { two: number; six: number; ratio: number };
}

interface Stack extends AsyncDisposable {
  replicas: Replica[];
  serverPid: number;
}

async function startStack(backplane: Variant, count: number): Promise<Stack> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startBackplaneServer(backplane));
  const replicas: Replica[] = [];
  // Not through the forwarder, which runs in this process.
  const direct =
    backplane === "nats" || backplane === "nats-recovery" ? { NATS_URL: server.servers[0]?.url ?? "" } : {};
  for (let at = 1; at <= count; at += 1) {
    const replica = await startReplica(`signaling-${at}`, server.url, {
      ...server.env,
      ...direct,
      OVERLOAD_LAG_MS: "60000",
    });
    started.use(replica.program);
    replicas.push(replica);
  }
  const kept = started.move();
  return {
    replicas,
    serverPid: server.servers[0]?.process().pid ?? 0,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** CPU s per 100,000 signals between the first two replicas, by pid, without the cost of idle replicas. */
async function cpuPerSignal(replicas: Replica[], serverPid: number, seconds: number): Promise<Map<number, number>> {
  const pids = [...replicas.map(({ program }) => program.pid), serverPid];
  const idleFrom = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const idle = pids.map((pid, at) => cpuSeconds(pid) - (idleFrom[at] ?? 0));
  const [from, to] = replicas;
  if (from === undefined || to === undefined) throw new Error("two replicas are needed");
  const { signals, cpu } = await oneWay(from.url, to.url, { perSecond: 1_000, seconds, pids });
  return new Map(pids.map((pid, at) => [pid, (((cpu.get(pid) ?? 0) - (idle[at] ?? 0)) * 100_000) / signals]));
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
/**
 * The replicas on each backplane: latency at three rates, CPU a signal by process, and the growth of the cost of a
 * signal with replicas that have no member of its room.
 */
export async function measureBackplanes(seconds: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const backplane of ["pubsub", "sharded", "streams", "nats", "nats-recovery"] as const)
    results.push(await measure(backplane, seconds));
  print(results);
  return results;
}

/** Replicas that already carried signals between the first two, whose cost can be measured again and again. */
export async function startWarm(
  backplane: Variant,
  count: number,
  warmS: number,
): Promise<AsyncDisposable & { cost(seconds: number): Promise<SignalCost> }> {
  const stack = await startStack(backplane, count);
  const { replicas, serverPid } = stack;
  await oneWay(replicas[0]?.url ?? "", replicas[1]?.url ?? "", { perSecond: 1_000, seconds: warmS, pids: [] });
  return {
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
    async cost(seconds) {
      const cpu = await cpuPerSignal(replicas, serverPid, seconds);
      const server = cpu.get(serverPid) ?? 0;
      const pair = sum(replicas.slice(0, 2).map(({ program }) => cpu.get(program.pid) ?? 0));
      return { pair, server, bystanders: sum(cpu.values()) - pair - server };
    },
  };
}

/** CPU s per 100,000 signals between two of `count` replicas, of all of them and the server, without their cost idle. */
async function signalCost(backplane: Variant, count: number, seconds: number): Promise<number> {
  await using warm = await startWarm(backplane, count, 2);
  return sum(Object.values(await warm.cost(seconds)));
}

async function measureThree(backplane: Variant, seconds: number): Promise<Pick<Result, "latency" | "cpu">> {
  await using stack = await startStack(backplane, 3);
  const { replicas, serverPid } = stack;
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
  const cpu = await cpuPerSignal(replicas, serverPid, seconds);
  const of = (pid: number) => cpu.get(pid) ?? 0;
  return {
    latency,
    cpu: {
      sender: of(one.program.pid),
      receiver: of(two.program.pid),
      bystander: of(three.program.pid),
      server: of(serverPid),
    },
  };
}

async function measure(backplane: Variant, seconds: number): Promise<Result> {
  const result = await measureThree(backplane, seconds);
  const two = await signalCost(backplane, 2, seconds);
  const six = await signalCost(backplane, 6, seconds);
  return { backplane, ...result, growth: { two, six, ratio: six / two } };
}

function print(results: readonly Result[]): void {
  console.log("\none-way latency, ms            rate/s    p50     p99    lost");
  for (const { backplane, latency } of results)
    for (const { scope, perSecond, p50, p99, lost } of latency)
      console.log(
        `${backplane.padEnd(14)} ${scope.padEnd(14)} ${String(perSecond).padStart(7)} ${p50.toFixed(2).padStart(7)} ${p99.toFixed(2).padStart(7)} ${String(lost).padStart(7)}`,
      );
  console.log("\nCPU s / 100,000 remote signals  sender  receiver  bystander server   2 replicas  6 replicas  growth");
  for (const { backplane, cpu, growth } of results)
    console.log(
      `${backplane.padEnd(30)} ${[cpu.sender, cpu.receiver, cpu.bystander, cpu.server].map((one) => one.toFixed(2).padStart(8)).join(" ")}   ${growth.two.toFixed(2).padStart(9)} ${growth.six.toFixed(2).padStart(11)} ${growth.ratio.toFixed(2).padStart(8)}`,
    );
}
