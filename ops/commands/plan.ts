import { parseArgs } from "node:util";
import { type Command, UsageError } from "../command.ts";
import { measured } from "../plan/figures.ts";
import { type Bound, defaultLimits, type Plan, plan as planStack } from "../plan/plan.ts";
import { playStorm } from "../plan/storm.ts";

/** The largest number of replicas that docs/performance.md measured. */
const largestMeasured = 6;
/** From an admitted attempt to the join ack on a stack that is not busy, ms. */
const connectMs = 30;

/** `plan --peers 100000 --signals 5 --room 2`: the size of a stack by measured figures (docs/scaling.md). */
export const plan: Command = {
  usage: "--peers 100000 [--signals 1] [--room 2] [--json]",
  summary: "the size of a stack for this load, its bottleneck and what to change",
  async run({ print }, args) {
    const { values } = parseArgs({
      args,
      options: {
        peers: { type: "string" },
        signals: { type: "string", default: "1" },
        room: { type: "string", default: "2" },
        json: { type: "boolean", default: false },
      },
    });
    if ((values.peers ?? "") === "") throw new UsageError("give the number of peers: make plan PEERS=100000");
    const demand = {
      peers: whole("PEERS", values.peers ?? "", 1, 10_000_000),
      signalsPerSecond: number("SIGNALS", values.signals, 0, 1_000),
      room: whole("ROOM", values.room, 2, 10_000),
    };
    if (demand.room > Math.max(2, demand.peers))
      throw new UsageError(`ROOM=${demand.room}: must be at most PEERS=${demand.peers}`);
    const made = planStack(demand, measured);
    if (values.json) print(JSON.stringify({ demand, limits: defaultLimits, figures: measured, plan: made }));
    else for (const line of table(made, demand.peers)) print(line);
    return 0;
  },
};

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max))
    throw new UsageError(`${name}=${text}: must be a number from ${min} to ${max}`);
  return value;
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = number(name, text, min, max);
  if (!Number.isInteger(value)) throw new UsageError(`${name}=${text}: must be a whole number from ${min} to ${max}`);
  return value;
}

function table(made: Plan, peers: number): string[] {
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  const row = (...cells: (string | number)[]) =>
    cells
      .map((cell, at) => (at === 0 ? String(cell).padEnd(10) : String(cell).padStart(12)))
      .join("")
      .trimEnd();
  const lost = Math.ceil(peers / made.replicas);
  const storm = playStorm({
    peers: lost,
    replicas: made.replicas - 1,
    admitPerSecond: defaultLimits.admitPerSecond,
    queueMs: 1_000,
    connectMs,
    backoff: { baseMs: 250, capMs: 3_000 },
    seed: 1,
  });
  const { load, cores } = made;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  return [
    row("", "count", "cores", "load", "one lost", "memory", "descriptors"),
    row(
      "replicas",
      made.replicas,
      cores.replicas.toFixed(1),
      percent(load.replica),
      percent(load.replicaOneLost),
      mebibytes(made.memoryPerReplica),
      made.descriptorsPerReplica,
    ),
    row(
      "proxies",
      made.proxies,
      cores.proxies.toFixed(1),
      percent(load.proxy),
      percent(load.proxyOneLost),
      mebibytes(made.memoryPerProxy),
      made.descriptorsPerProxy,
    ),
    row("backplane", made.backplaneNodes, cores.backplane.toFixed(1), percent(cores.backplane / made.backplaneNodes)),
    `BACKPLANE=${made.backplane}, ${made.peersPerReplica} peers a replica; memory is that of peers, beside the program's own`,
    `a lost replica: ${lost} peers are back after ${seconds(storm.p50)} (p50), ${seconds(storm.p95)} (p95), ${seconds(storm.max)} (all)`,
    `bottleneck: ${told(made.bottleneck)}`,
    ...made.bounds.map((bound) => `  ${told(bound)}`),
    ...(made.replicas > largestMeasured
      ? [`more than ${largestMeasured} replicas are extrapolated, not measured (docs/scaling.md)`]
      : []),
  ];
}

function told({ of, by, needed, change }: Bound): string {
  return `${of} by ${by}: ${needed}; to lift it: ${change}`;
}
