import { HttpError } from "../stack/http.ts";
import { pause } from "./pause.ts";

/** What is asked for; undefined and false mean: not yet. */
type Answer<T> = T | undefined | false;

/**
 * Asks again and again until there is an answer. An endpoint that does not answer (HttpError) is asked again.
 *
 * @param options.everyMs pause between two questions, 250 unless given
 * @returns the answer; undefined when `withinMs` have passed, or `signal` is aborted, without one
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
