import { HttpError } from "../stack/http.ts";
import { pause } from "./pause.ts";

/** The answer. Undefined and false mean "not yet". */
type Answer<T> = T | undefined | false;

/**
 * Polls until there is an answer. An HttpError counts as no answer yet.
 *
 * @param options.everyMs pause between two polls, default 250
 * @returns the answer; undefined if `withinMs` passes, or `signal` is aborted, without one
 */
export async function until<T>(
  ask: () => Answer<T> | Promise<Answer<T>>,
  options: { withinMs: number; everyMs?: number; signal?: AbortSignal | undefined },
): Promise<T | undefined> {
  const { withinMs, everyMs = 250, signal } = options;
  const deadline = performance.now() + withinMs;
  while (signal?.aborted !== true) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    if (performance.now() >= deadline) return undefined;
    await pause(everyMs, signal);
  }
  return undefined;
}
