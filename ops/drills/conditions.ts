import type { DrillContext } from "./define-drill.ts";

/** Every peer of the drill's callers is joined, on a replica that is not among `without`. */
export async function allJoined({ calls }: DrillContext, without: readonly string[] = []): Promise<boolean> {
  const { peers } = await calls();
  return peers.every(({ state, node }) => state === "joined" && node !== null && !without.includes(node));
}

/** Every replica is ready in the proxy's table. */
export async function allReady({ replicas }: DrillContext): Promise<boolean> {
  return (await replicas()).every(({ state }) => state === "ready");
}

/** True if the engine reports that state for the service. */
export async function serviceIs({ stack }: DrillContext, id: string, state: string): Promise<boolean> {
  return (await stack.engine.services()).some((service) => service.id === id && service.state === state);
}
