import type { Snapshot } from "../../../snapshot.ts";
import { getJson } from "../dom.ts";

/** Length of one fetched part of the history, ms. */
const chunkMs = 60_000;

/** Finds past snapshots. It fetches each minute of the history once, when it is needed. */
export function createReplay() {
  const chunks = new Map<number, Promise<Snapshot[]>>();

  function chunk(at: number): Promise<Snapshot[]> {
    const key = Math.floor(at / chunkMs);
    let known = chunks.get(key);
    if (known === undefined) {
      known = getJson<Snapshot[]>(`/api/snapshots?from=${key * chunkMs}&to=${(key + 1) * chunkMs}`);
      chunks.set(key, known);
      // The newest minute is incomplete, so it is fetched again.
      if ((key + 1) * chunkMs > Date.now()) setTimeout(() => chunks.delete(key), 1_000);
      known.catch(() => chunks.delete(key));
    }
    return known;
  }

  return {
    /** The last snapshot at or before `at` (epoch ms); undefined before the first. */
    async at(at: number): Promise<Snapshot | undefined> {
      return (await chunk(at)).findLast((snapshot) => snapshot.at <= at);
    },
  };
}
