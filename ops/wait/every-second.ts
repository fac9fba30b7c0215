import { HttpError } from "../stack/http.ts";
import { pause } from "./pause.ts";

/**
 * Runs `look` once a second, never two at once, until `close`. If an endpoint does not answer, `look` runs again a
 * second later. `close` rejects with any other error of `look`.
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
  // `close` reports it. Until then a listener keeps the rejection handled.
  running.catch(() => over.abort());
  return {
    async close() {
      over.abort();
      await running;
    },
  };
}
