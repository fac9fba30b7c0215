import type { DrillEntry } from "./record.ts";

/** True if the runner of a recorded drill still runs in another process. */
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
