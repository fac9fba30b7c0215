import { heal } from "../heal/heal.ts";
import { type DrillEntry, openRecord, type UndoStep } from "../record/record.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { awaitReady, replicaTable } from "../stack/replica-table.ts";
import { scale } from "../stack/scale.ts";

/**
 * Undoes a drill from its record. The runner calls it at its end; after a crash of the runner the next command does.
 * The record is removed last.
 *
 * @throws Error if the stack is not at steady state afterwards
 */
export async function rollBack(stack: Stack, record: DrillEntry, tell: (line: string) => void): Promise<void> {
  const restart = async (id: string) => tell(`restarted ${id}: ${(await stack.engine.restart(id)).typed}`);
  // A proxy that a control has slowed down would not see in time that what heal mends is ready.
  const isFirst = (step: UndoStep) => step.do === "restart" && (step.id === "proxy" || step.first === true);
  for (const step of record.undo) if (step.do === "restart" && isFirst(step)) await restart(step.id);
  // Heal comes before the rest: an added replica must run before it can be stopped in order.
  await heal(stack, { tell });
  for (const step of record.undo) {
    if (step.do === "scale") await scale(stack, step.replicas, tell);
    if (step.do === "restart" && !isFirst(step)) await restart(step.id);
  }
  const { endpoints } = stack.engine;
  const { callerAdmin } = endpoints;
  if (record.undo.some((step) => step.do === "restart"))
    await awaitReady(
      endpoints,
      (await replicaTable(endpoints)).map(({ id }) => id),
    );
  if (record.run !== null)
    await forgiving(
      changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/calls/${record.run}`, undefined, 15_000),
    );
  await forgiving(changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/marks/drill/${record.drill}`));
  openRecord(stack.state.dir).endDrill();
}

/** A run that no longer exists counts as ended. */
async function forgiving(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 404) throw error;
  }
}
