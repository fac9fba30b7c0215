import type { Snapshot } from "../../../snapshot.ts";
import { getJson } from "../dom.ts";

/** How much of the past is fetched at once, ms. */
const chunkMs = 60_000;

/** Finds the stack as it was: minutes of the past, fetched when they are looked at, each once. */
export function createReplay() {
  const chunks = new Map<number, Promise<Snapshot[]>>();

  function chunk(at: number): Promise<Snapshot[]> {
    const key = Math.floor(at / chunkMs);
    let known = chunks.get(key);
    if (known === undefined) {
      known = getJson<Snapshot[]>(`/api/snapshots?from=${key * chunkMs}&to=${(key + 1) * chunkMs}`);
      chunks.set(key, known);
      // The newest minute is not over: it is asked for again.
      if ((key + 1) * chunkMs > Date.now()) setTimeout(() => chunks.delete(key), 1_000);
      known.catch(() => chunks.delete(key));
    }
    return known;
  }

  return {
    /** The last snapshot that was sent up to `at` (epoch ms); undefined before the first. */
    async at(at: number): Promise<Snapshot | undefined> {
      return (await chunk(at)).findLast((snapshot) => snapshot.at <= at);
    },
  };
}
