import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cutTime, idleMemory, measures, startUpstream } from "./proxy/measures.ts";
import { median, type Row, table, writeReport } from "./proxy/report.ts";
import { startTargets, type Target } from "./proxy/targets.ts";

/**
 * This proxy against HAProxy, nginx and stock `http-proxy`: the same upstream, the same client, one run, interleaved
 * rounds after warm-up rounds, CPU time from /proc. Only ratios within the run count, because the machine's speed
 * cancels out.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    "warm-ups": { type: "string", default: "2" },
    only: { type: "string", default: "" },
    port: { type: "string", default: "27000" },
    /** Another checkout of this project with installed dependencies. Its proxy is measured beside this one. */
    against: { type: "string" },
    targets: { type: "string", default: "" },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const warmUps = Number(flags["warm-ups"]);
const firstPort = Number(flags.port);

interface Measure {
  name: string;
  unit: string;
  bound?: number;
  higherIsBetter: boolean;
  run(target: Target): Promise<number>;
}
const wanted: Measure[] = [
  { name: "CPU a message at 2,000/s", unit: "µs", higherIsBetter: false, run: measures.messages(2_000, seconds) },
  {
    name: "CPU a message at 8,000/s",
    unit: "µs",
    bound: 1.3,
    higherIsBetter: false,
    run: measures.messages(8_000, seconds),
  },
  {
    name: "CPU a message, saturated",
    unit: "µs",
    bound: 1.25,
    higherIsBetter: false,
    run: measures.messages("saturated", seconds),
  },
  { name: "messages, saturated", unit: "1/s", higherIsBetter: true, run: measures.messageRate(seconds) },
  { name: "CPU a long-polling GET", unit: "µs", bound: 5, higherIsBetter: false, run: measures.polls(seconds) },
  { name: "CPU an upgrade", unit: "µs", higherIsBetter: false, run: measures.upgradeCpu(seconds) },
  { name: "upgrades", unit: "1/s", bound: 0.75, higherIsBetter: true, run: measures.upgrades(seconds) },
].filter(({ name }) => name.includes(flags.only));

process.setMaxListeners(0);
// Its child processes end with it, also when a signal ends it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const dir = mkdtempSync(join(tmpdir(), "bench-proxy-"));
const rows: Row[] = [];
const samples: Record<string, Record<string, number[]>> = {};
let upstream = await startUpstream(firstPort);
const choice = { before: flags.against, only: flags.targets.split(",").filter(Boolean) };
let targets = await startTargets(dir, firstPort, firstPort + 1, choice);
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${rounds} rounds of ${seconds} s`);

function row(
  { name: measure, unit, higherIsBetter, bound }: Omit<Measure, "run">,
  values: Record<string, number[]>,
): void {
  samples[measure] = values;
  const medians = Object.fromEntries(Object.entries(values).map(([name, all]) => [name, median(all)]));
  rows.push({ measure, unit, higherIsBetter, ...(bound === undefined ? {} : { bound }), medians });
  console.log(`${measure}: ${JSON.stringify(values)}`);
}

if ("idle tunnel memory".includes(flags.only)) {
  const values: Record<string, number[]> = {};
  for (const target of targets)
    if (target.name !== "direct") values[target.name] = [(await idleMemory(target, 1_000)) / 1_024];
  row({ name: "idle tunnel memory", unit: "KiB", higherIsBetter: false }, values);
}

for (const measure of wanted) {
  const values: Record<string, number[]> = {};
  for (let round = -warmUps; round < rounds; round++)
    // What one target leaves behind (closed connections that the system still keeps) must not always hit the same next.
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      const value = await measure.run(target);
      values[target.name] ??= [];
      if (round >= 0) values[target.name]?.push(value);
    }
  if (measure.unit === "µs") delete values["direct"];
  row(measure, values);
}

for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
  const name = `tunnels cut after ${signal}`;
  if (!name.includes(flags.only)) continue;
  const values: Record<string, number[]> = {};
  for (let index = 0; index < targets.length; index++) {
    const target = targets[index] as Target;
    if (target.name === "direct") continue;
    values[target.name] = [await cutTime(target, upstream, signal, 8_000)];
    for (const one of targets) one.stop();
    upstream.kill("SIGKILL");
    const port = firstPort + 20 * (index + 1) + (signal === "SIGSTOP" ? 10 : 0);
    upstream = await startUpstream(port);
    targets = await startTargets(dir, port, port + 1, choice);
  }
  row({ name, unit: "ms", higherIsBetter: false }, values);
}

console.log(`\n${table(rows)}`);
writeReport(rows, samples);
console.log("\nwritten: reports/bench-proxy.json, reports/bench-proxy.svg");
process.exit(0);
