/**
 * Node's flag for the proxy and the replicas in the images (`proxy/start.sh`, `Dockerfile`). The young generation grows
 * to at most 24 MB, three times the flag (docs/decisions/proxy-memory.md).
 */
export const imageFlags: readonly string[] = ["--max-semi-space-size=8"];

/**
 * The flags on the process engine, and in tests and benchmarks. V8 lets garbage pile up as far as the heap may grow. In a
 * container that follows from its memory limit, here from the flag, MB.
 */
export const nodeFlags: readonly string[] = [...imageFlags, "--max-old-space-size=1024"];
