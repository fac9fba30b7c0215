import { HttpError } from "../stack/http.ts";
import { pause } from "./pause.ts";

/**
 * Runs `look` once a second, one after the other, until `close`; what does not answer is asked again a second later.
 * `close` rejects with whatever else `look` threw.
 */
export function everySecond(look: () => Promise<void>): { close(): Promise<void> } {
  const over = new AbortController();
  async function run(): Promise<void> {
    while (!over.signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
      }
      await pause(1_000, over.signal);
    }
  }
  const running = run();
  // Told by `close`; until then it has a listener.
  running.catch(() => over.abort());
  return {
    async close() {
      over.abort();
      await running;
    },
  };
}
