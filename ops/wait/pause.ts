import { setTimeout as sleep } from "node:timers/promises";

/** Waits `ms`, or until `signal` is aborted; the end of a wait is no error. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error;
  }
}
