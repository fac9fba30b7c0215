import { CannotError } from "./engine.ts";
import type { Stack } from "./open-stack.ts";
import { isReplica } from "./replica-id.ts";
import { awaitReady } from "./replica-table.ts";

/**
 * Restarts every replica, one after the other, as a deploy would: each is drained and replaced only once all others
 * are ready, and the next only once it is ready again.
 *
 * @param step told of each replica: the command and how long it took, ms
 */
export async function roll(stack: Stack, step: (id: string, typed: string, tookMs: number) => void): Promise<void> {
  const { engine } = stack;
  const ids = (await engine.services()).map(({ id }) => id).filter(isReplica);
  if (ids.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
  await awaitReady(engine.endpoints.proxyAdmin, ids);
  for (const id of ids) {
    const begunAt = performance.now();
    const { typed } = await engine.restart(id);
    await awaitReady(engine.endpoints.proxyAdmin, ids);
    step(id, typed, performance.now() - begunAt);
  }
}
