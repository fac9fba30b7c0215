/**
 * What Node starts the proxy and the replicas with, in the images (`proxy/start.sh`, `Dockerfile`) and here: the young
 * generation grows to 24 MB at most, three times the flag (docs/decisions/proxy-memory.md).
 */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=8"];
