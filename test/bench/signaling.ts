import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { type Comparison, compareCpu, compareMemory } from "./signaling/against-recipe.ts";
import { measureBackplanes } from "./signaling/backplanes.ts";
import { compareHeap } from "./signaling/heap-kinds.ts";

/**
 * The replicas beside a user's alternative (Socket.IO, its Redis adapter, `socket.to(room).emit`), in interleaved
 * rounds, and on each backplane. Clients, servers and Redis share the machine, so only ratios within one run count.
 *
 * `--only ROW,…` runs these rows alone: replicas-3, replicas-6, sharded, path, memory, heap, backplanes.
 * `--against CHECKOUT` runs the CPU rows against the replicas of another version in place of the recipe, bound 1.05.
 */
const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "replicas-3,replicas-6,sharded,path,memory,heap,backplanes" },
    against: { type: "string" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    rates: { type: "string", default: "1000,3000" },
    connections: { type: "string", default: "1000" },
    out: { type: "string", default: "reports/bench-signaling.json" },
  },
});
const wanted = new Set(flags.only.split(","));
const rounds = Number(flags.rounds);
const given = { rates: flags.rates.split(",").map(Number), rounds, seconds: Number(flags.seconds) };
const pubsub = "pubsub";
const { against: checkout } = flags;
const boundOf = (toRecipe: number) => (checkout === undefined ? toRecipe : 1.05);
const other = checkout === undefined ? "recipe" : "before";
const rows: Record<string, () => Promise<Comparison[]>> = {
  "replicas-3": () =>
    compareCpu("3 replicas", { count: 3, backplane: pubsub, checkout }, { ...given, bound: boundOf(0.9) }),
  "replicas-6": () =>
    compareCpu("6 replicas", { count: 6, backplane: pubsub, checkout }, { ...given, bound: boundOf(0.65) }),
  sharded: () => compareCpu("sharded", { count: 3, backplane: "sharded", checkout }, { ...given, bound: boundOf(1) }),
  path: () => compareCpu("client to client", { count: 3, backplane: pubsub, fronted: true }, { ...given, bound: 0.95 }),
  memory: async () => [await compareMemory(Number(flags.connections), rounds)],
};

const results: Comparison[] = [];
for (const [name, run] of Object.entries(rows)) {
  if (!wanted.has(name)) continue;
  const compared = await run();
  results.push(...compared);
  for (const one of compared) print(one);
}
const heap = wanted.has("heap") ? await compareHeap(Number(flags.connections)) : [];
if (heap.length > 0) printHeap(heap);
const backplanes = wanted.has("backplanes") ? await measureBackplanes(given.seconds) : [];
mkdirSync(dirname(flags.out), { recursive: true });
const report = { at: new Date().toISOString(), rounds, seconds: given.seconds, results, heap, backplanes };
writeFileSync(flags.out, `${JSON.stringify(report, null, 2)}\n`);
console.log(`\n${flags.out}`);
process.exit(0);

function print(compared: Comparison): void {
  const { name, unit, ours, ratio, bound } = compared;
  const figure = (value: number) => value.toFixed(value < 10 ? 2 : 1).padStart(9);
  const verdict = bound === undefined ? "" : `  ${ratio <= bound ? "ok" : "ABOVE"} (≤ ${bound})`;
  const both = `ours ${figure(ours)}  ${other} ${figure(compared.other)} ${unit.padEnd(7)}`;
  console.log(`${name.padEnd(46)} ${both} ratio ${ratio.toFixed(2)}${verdict}`);
}

function printHeap(rows: Awaited<ReturnType<typeof compareHeap>>): void {
  const sum = (of: "ours" | "recipe") => rows.reduce((total, row) => total + row[of], 0);
  const [ours, recipe] = [sum("ours"), sum("recipe")];
  console.log("\non the heap, of an idle peer, bytes            ours  recipe");
  for (const row of [...rows, { kind: `in all: ${(ours / recipe).toFixed(2)} of the recipe (≤ 1.15)`, ours, recipe }])
    console.log(`${row.kind.padEnd(42)} ${row.ours.toFixed(0).padStart(8)} ${row.recipe.toFixed(0).padStart(7)}`);
}
