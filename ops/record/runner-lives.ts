import type { DrillEntry } from "./record.ts";

/** True where the runner of a drill on record still runs, in another process than this one. */
export function runnerLives({ pid }: DrillEntry): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
