import { type Contender, startOurs, startRecipe } from "./contenders.ts";
import { cpuSeconds, idleBytes, oneWay } from "./measures.ts";

/** One comparison, with the plain recipe or another version. */
export interface Comparison {
  name: string;
  unit: string;
  /** Medians. */
  ours: number;
  other: number;
  ratio: number;
  /** Upper bound of the ratio. */
  bound?: number;
  /** One value for each round, in order. */
  rounds: { ours: number[]; other: number[] };
}

interface Sample {
  sender: number;
  receiver: number;
  /** Total of all replicas without a member. */
  bystanders: number;
  redis: number;
  front: number;
  total: number;
  p50: number;
  p99: number;
  lost: number;
}

const fields: readonly (keyof Sample)[] = [
  ...(["total", "sender", "receiver", "bystanders", "redis", "front", "p50", "p99", "lost"] as const),
];

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** CPU for each signal by process in µs, without the CPU of idle processes, and latency in ms. */
async function sample(
  contender: Contender,
  perSecond: number,
  seconds: number,
  idle: Map<number, number>,
): Promise<Sample> {
  const { servers, redisPid, front } = contender;
  const pids = [...servers.map(({ pid }) => pid), redisPid, ...(front === undefined ? [] : [front.pid])];
  const [from, to] = servers as [Contender["servers"][number], Contender["servers"][number]];
  const ends = front === undefined ? ([from.url, to.url] as const) : ([front.url, front.url] as const);
  const across = front !== undefined;
  const { signals, cpu, latency } = await oneWay(...ends, { perSecond, seconds, pids, bytes: 1_500, across });
  const of = (pid: number) => {
    const used = (cpu.get(pid) ?? 0) - (idle.get(pid) ?? 0) * seconds;
    return (Math.max(0, used) * 1e6) / signals;
  };
  const others = servers.slice(2).reduce((sum, { pid }) => sum + of(pid), 0);
  const total = pids.reduce((sum, pid) => sum + of(pid), 0);
  return {
    sender: of(from.pid),
    receiver: of(to.pid),
    bystanders: others,
    redis: of(redisPid),
    front: front === undefined ? 0 : of(front.pid),
    total,
    ...latency,
  };
}

/** CPU seconds a second of each process while no signals are sent. */
async function idleOf({ servers, redisPid, front }: Contender, seconds: number): Promise<Map<number, number>> {
  const pids = [...servers.map(({ pid }) => pid), redisPid, ...(front === undefined ? [] : [front.pid])];
  const before = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return new Map(pids.map((pid, at) => [pid, (cpuSeconds(pid) - (before[at] ?? 0)) / seconds]));
}

/**
 * Interleaved rounds, one rate after another. Each round runs both contenders, which take turns to be first. The other
 * contender is the plain recipe, or the replicas of the version in `checkout`.
 */
export async function compareCpu(
  title: string,
  given: { count: number; backplane: string; fronted?: boolean; checkout?: string | undefined },
  { rates, rounds, seconds, bound }: { rates: readonly number[]; rounds: number; seconds: number; bound: number },
): Promise<Comparison[]> {
  const { checkout, ...same } = given;
  await using ours = await startOurs(same);
  await using other = await (checkout === undefined ? startRecipe(same) : startOurs(given));
  const contenders = [ours, other];
  const samples = new Map<string, Sample[]>();
  for (const contender of contenders) await sample(contender, 1_000, 2, new Map());
  const idle = new Map<Contender, Map<number, number>>();
  for (const contender of contenders) idle.set(contender, await idleOf(contender, seconds));
  for (let round = 0; round < rounds; round += 1)
    for (const perSecond of rates)
      for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const taken = await sample(contender, perSecond, seconds, idle.get(contender) ?? new Map());
        const key = `${contender.name} ${perSecond}`;
        samples.set(key, [...(samples.get(key) ?? []), taken]);
      }
  return rates.flatMap((perSecond) =>
    fields.map((field) => {
      const of = (name: string) => (samples.get(`${name} ${perSecond}`) ?? []).map((one) => one[field]);
      const isTime = field === "p50" || field === "p99";
      const unit = isTime ? "ms" : field === "lost" ? "signals" : "µs";
      const limit = field === "total" ? bound : field === "p99" ? 1 : undefined;
      return comparison(`${title}, ${perSecond}/s: ${field}`, unit, { ours: of("ours"), other: of("other") }, limit);
    }),
  );
}

/** Memory of an idle WebSocket in a room of its own, on fresh servers each round. */
export async function compareMemory(count: number, rounds: number): Promise<Comparison> {
  const taken = { ours: [] as number[], other: [] as number[] };
  for (let round = 0; round < rounds; round += 1)
    for (const start of [startOurs, startRecipe]) {
      await using contender = await start({ count: 1, backplane: "pubsub", collects: true });
      const [server] = contender.servers;
      if (server !== undefined) taken[contender.name].push((await idleBytes(server, count)) / 1_024);
    }
  return comparison("resident memory of an idle peer", "KiB", taken, undefined);
}

function comparison(name: string, unit: string, rounds: Comparison["rounds"], bound: number | undefined): Comparison {
  const [ours, other] = [median(rounds.ours), median(rounds.other)];
  return { name, unit, ours, other, ratio: ours / other, rounds, ...(bound === undefined ? {} : { bound }) };
}
