import { CannotError } from "./engine.ts";
import type { Stack } from "./open-stack.ts";
import { isReplica } from "./replica-id.ts";
import { awaitReady } from "./replica-table.ts";

/**
 * Restarts every replica, one after the other, like a deploy. It drains and replaces a replica only when all others are
 * ready, and continues only when it is ready again.
 *
 * @param step called for each replica with the command and its duration, ms
 * @param signal aborted: no further replica is restarted
 */
export async function roll(
  stack: Stack,
  step: (id: string, typed: string, tookMs: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { engine } = stack;
  const ids = (await engine.services()).map(({ id }) => id).filter(isReplica);
  if (ids.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
  await awaitReady(engine.endpoints, ids);
  for (const id of ids) {
    if (signal?.aborted) return;
    const begunAt = performance.now();
    const { typed } = await engine.restart(id);
    await awaitReady(engine.endpoints, ids);
    step(id, typed, performance.now() - begunAt);
  }
}
