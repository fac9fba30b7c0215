import type { Passed } from "./screen/gate.ts";

/** What every log line says of a request: never its query, where sids and tokens are. */
export function toldOf({ client, route, path }: Passed) {
  const decision = route.kind === "ranked" ? route.decision : route.kind;
  return { traceId: client.traceId, client: client.chain[0], path, decision };
}
