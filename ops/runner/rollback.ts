import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { UndoStep } from "../drills/define-drill.ts";
import { heal } from "../heal/heal.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { awaitReady, replicaTable } from "../stack/replica-table.ts";
import { scale } from "../stack/scale.ts";

/** A drill under way: what its runner wrote before it broke anything. */
export interface DrillRecord {
  drill: string;
  pid: number;
  /** The callers' run. */
  run: string | null;
  undo: readonly UndoStep[];
}

/** The record of the drill under way, in a file of the stack's state. */
export function drillRecord(stack: Pick<Stack, "state">) {
  const path = join(stack.state.dir, "drill.json");
  return {
    read: (): DrillRecord | undefined =>
      existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as DrillRecord) : undefined,
    write(record: DrillRecord): void {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(record)}\n`);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** True where the runner that wrote the record still runs. */
export function runnerLives({ pid }: DrillRecord): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/**
 * Undoes a drill, from its record alone: the runner calls it at its end, and whoever comes after a crash of the
 * runner. The record goes last.
 *
 * @throws when the stack is not at steady state afterwards
 */
export async function rollBack(stack: Stack, record: DrillRecord, tell: (line: string) => void): Promise<void> {
  // A replica that was added must run before it can be ended in order: heal first, whatever else there is to do.
  await heal(stack, { tell });
  for (const step of record.undo) {
    if (step.do === "scale") await scale(stack, step.replicas, tell);
    if (step.do === "restart") tell(`restarted ${step.id}: ${(await stack.engine.restart(step.id)).typed}`);
  }
  const { callerAdmin, proxyAdmin } = stack.engine.endpoints;
  if (record.undo.some((step) => step.do === "restart"))
    await awaitReady(
      proxyAdmin,
      (await replicaTable(proxyAdmin)).map(({ id }) => id),
    );
  if (record.run !== null)
    await forgiving(
      changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/calls/${record.run}`, undefined, 15_000),
    );
  await forgiving(changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/marks/drill/${record.drill}`));
  drillRecord(stack).remove();
}

/** A run that is gone already is as good as ended. */
async function forgiving(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 404) throw error;
  }
}
