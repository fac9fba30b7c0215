import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** A chaos action that holds until something undoes it. */
export interface ActionEntry {
  action: string;
  target: string;
  /** When it was begun, ISO 8601. */
  at: string;
}

/** One way back, as data, so that any process can go it. */
export type UndoStep = { do: "heal" } | { do: "scale"; replicas: number } | { do: "restart"; id: string };

/** A drill under way. */
export interface DrillEntry {
  drill: string;
  /** Of its runner. */
  pid: number;
  /** The callers' run. */
  run: string | null;
  undo: readonly UndoStep[];
}

/** Everything that is broken on purpose on a stack. */
export interface Broken {
  actions: ActionEntry[];
  drill: DrillEntry | null;
  /** What the end of a provocation needs to know, by alert. */
  provocations: Record<string, Record<string, string>>;
}

/** A lock that is older than this was left by a process that was killed, ms: a change takes a few. */
const staleLockMs = 2_000;
const lockEveryMs = 5;

/**
 * The record of what is broken on a stack. It is one file, written before anything is broken: the next command knows
 * what to undo, after a crash too. A change is atomic between processes.
 *
 * @param dir the stack's state, `.stack/<name>`
 */
export function openRecord(dir: string) {
  const path = join(dir, "broken.json");

  function read(): Broken {
    const nothing: Broken = { actions: [], drill: null, provocations: {} };
    return existsSync(path) ? { ...nothing, ...(JSON.parse(readFileSync(path, "utf8")) as Partial<Broken>) } : nothing;
  }
  function write(broken: Broken): void {
    const empty = broken.actions.length === 0 && broken.drill === null && Object.keys(broken.provocations).length === 0;
    if (empty) {
      rmSync(path, { force: true });
      return;
    }
    writeFileSync(`${path}.new`, `${JSON.stringify(broken, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
  /** Reads, changes and writes the record while no other process does. */
  function change<T>(edit: (broken: Broken) => T): T {
    mkdirSync(dirname(path), { recursive: true });
    const unlock = lock(`${path}.lock`);
    try {
      const broken = read();
      const result = edit(broken);
      write(broken);
      return result;
    } finally {
      unlock();
    }
  }

  return {
    read,
    /** Notes an action; one that is in force already keeps its time. */
    beginAction(action: string, target: string): void {
      change(({ actions }) => {
        if (actions.some((entry) => entry.action === action && entry.target === target)) return;
        actions.push({ action, target, at: new Date().toISOString() });
      });
    },
    /** Takes out the actions that `matches`, and returns them. */
    endActions(matches: (entry: ActionEntry) => boolean): ActionEntry[] {
      return change((broken) => {
        const ended = broken.actions.filter(matches);
        broken.actions = broken.actions.filter((entry) => !matches(entry));
        return ended;
      });
    },
    beginDrill(entry: DrillEntry): void {
      change((broken) => {
        broken.drill = entry;
      });
    },
    endDrill(): void {
      change((broken) => {
        broken.drill = null;
      });
    },
    saveProvocation(alert: string, notes: ReadonlyMap<string, string>): void {
      change(({ provocations }) => {
        provocations[alert] = Object.fromEntries(notes);
      });
    },
    /** Takes out a provocation, and returns its notes; undefined: it is over already. */
    endProvocation(alert: string): Map<string, string> | undefined {
      return change(({ provocations }) => {
        const notes = provocations[alert];
        delete provocations[alert];
        return notes === undefined ? undefined : new Map(Object.entries(notes));
      });
    },
  };
}

export type BrokenRecord = ReturnType<typeof openRecord>;

/** Takes a lock file, and waits while another process holds it. Returns what gives it back. */
function lock(path: string): () => void {
  for (;;) {
    try {
      closeSync(openSync(path, "wx"));
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (isStale(path)) rmSync(path, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockEveryMs);
  }
}

function isStale(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > staleLockMs;
}
