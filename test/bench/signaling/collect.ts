import { writeHeapSnapshot } from "node:v8";

/**
 * Loaded into a measured server by `--import`: on SIGUSR2 it collects its garbage, so that what is left is what its
 * connections keep and not how far its heap has grown; on SIGHUP it writes what is on its heap to `$HEAP_SNAPSHOT`.
 */
const { gc } = globalThis;
if (gc === undefined) throw new Error("start node with --expose-gc");
process.on("SIGUSR2", () => {
  gc();
  gc();
});
process.on("SIGHUP", () => void writeHeapSnapshot(process.env["HEAP_SNAPSHOT"]));
