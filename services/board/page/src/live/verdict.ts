import type { Snapshot } from "../../../snapshot.ts";

/** The state of the stack in one sentence, readable from five metres. */
export function verdictOf({ parts, drills, alerts }: Snapshot): { text: string; tone: "good" | "warn" | "bad" } {
  const replicas = parts.filter(({ kind }) => kind === "replica");
  const down = parts.filter(({ state }) => state === "down").map(({ id }) => id);
  const silent = replicas
    .filter(({ state, note }) => state !== "down" && note !== "")
    .map(({ id, note }) => `${id} ${note}`);
  const other = replicas
    .filter(({ state }) => state === "degraded" || state === "draining")
    .map(({ id, state }) => `${id} is ${state}`);
  if (down.length > 0) return { text: `${down.join(", ")} ${down.length === 1 ? "is" : "are"} down`, tone: "bad" };
  if (silent.length > 0) return { text: silent.join(", "), tone: "warn" };
  if (other.length > 0) return { text: other.join(", "), tone: "warn" };
  const firing = alerts.filter(({ state }) => state === "firing");
  if (firing.length > 0)
    return {
      text: `${firing.length === 1 ? "An alert fires" : `${firing.length} alerts fire`}: ${firing.map(({ name }) => name).join(", ")}`,
      tone: "warn",
    };
  const peers = replicas.reduce((sum, part) => sum + (part.peers ?? 0), 0);
  const running = drills[0] === undefined ? "" : `; ${drills[0].name} runs`;
  return { text: `All is well: ${peers} peers on ${replicas.length} replicas${running}`, tone: "good" };
}
