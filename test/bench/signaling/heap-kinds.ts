import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HeapNode, takeHeapSnapshot } from "../../support/heap/heap-snapshot.ts";
import { startOurs, startRecipe } from "./contenders.ts";
import { openIdle } from "./measures.ts";

/** Kinds of heap objects, each with its nodes of a snapshot. The first matching kind counts. */
const kinds: readonly [kind: string, isOne: (type: string, name: string) => boolean][] = [
  ["functions with their variables", (type, name) => type === "closure" || name === "system / Context"],
  ["properties of large objects", (_, name) => name === "(object properties)" || name === "system / PropertyArray"],
  ["tables of maps and sets", (type, name) => type === "array" && name === ""],
  ["elements of arrays", (_, name) => name === "(object elements)"],
  ["plain objects and arrays", (type, name) => type === "object" && (name === "Object" || name === "Array")],
  ["objects of classes", (type) => type === "object"],
  ["strings", (type) => type.includes("string")],
  ["native: sockets, handles, buffers", (type) => type === "native"],
  ["the rest", () => true],
];

function bytesByKind(nodes: readonly HeapNode[]): number[] {
  const totals = kinds.map(() => 0);
  for (const { type, name, bytes } of nodes) {
    // Compiled code does not belong to a peer. Its size depends on the hot functions.
    if (type === "code") continue;
    const kind = kinds.findIndex(([, isOne]) => isOne(type, name));
    totals[kind] = (totals[kind] ?? 0) + bytes;
  }
  return totals;
}

/** Heap bytes of one more idle peer in a room of its own, by kind, in this order. */
async function heapOf(start: typeof startOurs, count: number): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-heap-"));
  try {
    const heapSnapshot = join(folder, "heap.json");
    await using contender = await start({ count: 1, backplane: "pubsub", collects: true, heapSnapshot });
    const [server] = contender.servers;
    if (server === undefined) throw new Error("no server");
    const taken: number[][] = [];
    const sockets = await openIdle(server.url, count);
    for (const more of [0, count]) {
      sockets.push(...(await openIdle(server.url, more)));
      taken.push(bytesByKind(await takeHeapSnapshot(server.pid, heapSnapshot)));
    }
    for (const socket of sockets) socket.disconnect();
    const [before = [], after = []] = taken;
    return after.map((bytes, kind) => (bytes - (before[kind] ?? 0)) / count);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Heap bytes of an idle peer in a replica and in the plain recipe, by kind. */
export async function compareHeap(count: number): Promise<{ kind: string; ours: number; recipe: number }[]> {
  const [ours, recipe] = [await heapOf(startOurs, count), await heapOf(startRecipe, count)];
  return kinds.map(([kind], at) => ({ kind, ours: ours[at] ?? 0, recipe: recipe[at] ?? 0 }));
}
