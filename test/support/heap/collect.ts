import { writeHeapSnapshot } from "node:v8";

/**
 * Loaded into a measured server by `--import`: on SIGUSR2 it collects its garbage, so that the remaining memory belongs
 * to its connections and not to the grown heap. On SIGHUP it writes a heap snapshot to `$HEAP_SNAPSHOT`.
 */
const { gc } = globalThis;
if (gc === undefined) throw new Error("start node with --expose-gc");
process.on("SIGUSR2", () => {
  gc();
  gc();
});
process.on("SIGHUP", () => void writeHeapSnapshot(process.env["HEAP_SNAPSHOT"]));
