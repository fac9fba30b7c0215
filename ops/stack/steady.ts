import { failoverObstacles } from "../redis/failover.ts";
import { HttpError } from "./http.ts";
import type { Stack } from "./open-stack.ts";
import { replicaTable } from "./replica-table.ts";

/** The obstacles to the steady state, one line each; empty if the stack is steady. */
export async function unsteady(stack: Stack): Promise<string[]> {
  const { engine } = stack;
  const services = (await engine.services()).filter(
    ({ id }) => engine.name === "process" || !["signaling-4", "signaling-5"].includes(id),
  );
  if (services.length === 0) return ["the stack is not up: make up"];
  const reasons = services.filter(({ state }) => state !== "running").map(({ id, state }) => `${id} is ${state}`);
  try {
    const rows = await replicaTable(engine.endpoints);
    reasons.push(...rows.filter(({ state }) => state !== "ready").map(({ id, state }) => `${id} is ${state}`));
    reasons.push(...(await failoverObstacles(engine)));
    reasons.push(...(await engine.impaired()).map(({ id, how }) => `${id} is ${how}`));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    reasons.push(error.message);
  }
  return [...new Set(reasons)];
}
