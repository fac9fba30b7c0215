import { type Second, type Snapshot, secondOf } from "./snapshot.ts";

/** Length of the history, ms. */
export const keptMs = 15 * 60_000;

/** The last fifteen minutes in memory: every sent snapshot, and one entry a second for the strips. */
export function createHistory() {
  const snapshots: { at: number; text: string }[] = [];
  const seconds: Second[] = [];
  const forget = (entries: { at: number }[], until: number) => {
    const fresh = entries.findIndex(({ at }) => at >= until);
    if (fresh > 0) entries.splice(0, fresh);
  };
  return {
    /** @param text the sent text of the snapshot */
    add(snapshot: Snapshot, text: string): void {
      snapshots.push({ at: snapshot.at, text });
      const last = seconds.at(-1);
      if (last === undefined || Math.floor(last.at / 1_000) !== Math.floor(snapshot.at / 1_000))
        seconds.push(secondOf(snapshot));
      if (snapshots.length % 60 === 0) {
        forget(snapshots, snapshot.at - keptMs);
        forget(seconds, snapshot.at - keptMs);
      }
    },
    seconds: (): readonly Second[] => seconds,
    /** The snapshots from `from` to `to` (epoch ms), and the last one before `from`, as a JSON array. */
    between(from: number, to: number): string {
      const first = snapshots.findLastIndex(({ at }) => at <= from);
      const wanted = snapshots.slice(Math.max(0, first)).filter(({ at }) => at <= to);
      return `[${wanted.map(({ text }) => text).join(",")}]`;
    },
  };
}

export type History = ReturnType<typeof createHistory>;
