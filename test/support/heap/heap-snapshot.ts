import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../poll.ts";

/** What is used of a heap snapshot (V8's format, as `node:v8` writes it). */
interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[]] } };
  nodes: number[];
  strings: string[];
}

/** One object, string or array on a heap. */
export interface HeapNode {
  /** V8's: object, closure, string, array, code, native and so on. */
  type: string;
  /** Of an object the name of its class. */
  name: string;
  /** Without what it refers to. */
  bytes: number;
}

/**
 * Variables with which a Node program can be asked for its heap: garbage is collected on SIGUSR2, a snapshot is written
 * to `file` on SIGHUP.
 */
export const heapVariables = (file?: string): Record<string, string> => ({
  NODE_OPTIONS: `--expose-gc --import ${join(import.meta.dirname, "collect.ts")}`,
  ...(file === undefined ? {} : { HEAP_SNAPSHOT: file }),
});

/** Takes a snapshot of a program that was started with `heapVariables(file)`. */
export async function takeHeapSnapshot(pid: number, file: string): Promise<HeapNode[]> {
  process.kill(pid, "SIGHUP");
  // While it is written it is no JSON yet.
  const { snapshot, nodes, strings } = await until(
    "a heap snapshot is written",
    () => JSON.parse(readFileSync(file, "utf8")) as Snapshot,
    { withinMs: 60_000, everyMs: 200 },
  );
  rmSync(file);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeAt = 0, nameAt = 0, sizeAt = 0] = ["type", "name", "self_size"].map((field) => fields.indexOf(field));
  return Array.from({ length: nodes.length / fields.length }, (_, at) => {
    const from = at * fields.length;
    return {
      type: types[0][nodes[from + typeAt] ?? 0] ?? "",
      name: strings[nodes[from + nameAt] ?? 0] ?? "",
      bytes: nodes[from + sizeAt] ?? 0,
    };
  });
}
