/**
 * Node's flags for the proxy and the replicas, as in the images (`proxy/start.sh`, `Dockerfile`). The young generation
 * grows to at most 24 MB, three times the flag (docs/decisions/proxy-memory.md).
 */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=8"];
