import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A chaos action that holds until something undoes it. */
export interface JournalEntry {
  action: string;
  target: string;
  /** When it was begun, ISO 8601. */
  at: string;
}

/**
 * The chaos actions in force, in a file, written before each acts: whoever comes next, a crash later too, knows what
 * there is to undo.
 */
export function openJournal(path: string) {
  const read = (): JournalEntry[] =>
    existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as JournalEntry[]) : [];
  const write = (entries: readonly JournalEntry[]) => {
    if (entries.length === 0) rmSync(path, { force: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.new`, `${JSON.stringify(entries, null, 2)}\n`);
      renameSync(`${path}.new`, path);
    }
  };
  return {
    entries: read,
    /** Adds an action; one that is there already keeps its time. */
    begin(action: string, target: string): void {
      const entries = read();
      if (entries.some((entry) => entry.action === action && entry.target === target)) return;
      write([...entries, { action, target, at: new Date().toISOString() }]);
    },
    /** Takes out the entries that `matches`, and returns them. */
    end(matches: (entry: JournalEntry) => boolean): JournalEntry[] {
      const entries = read();
      const ended = entries.filter(matches);
      if (ended.length > 0) write(entries.filter((entry) => !matches(entry)));
      return ended;
    },
  };
}
