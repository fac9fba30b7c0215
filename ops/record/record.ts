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

/** A chaos action in force, until it is undone. */
export interface ActionEntry {
  action: string;
  target: string;
  /** Its start, ISO 8601. */
  at: string;
}

/**
 * One undo step, as data, so that any process can carry it out. A restart that is `first` comes before `heal`, which
 * would wait in vain for a service with the settings of a control.
 */
export type UndoStep = { do: "heal" } | { do: "scale"; replicas: number } | { do: "restart"; id: string; first?: true };

/** A running drill. */
export interface DrillEntry {
  drill: string;
  /** Pid of its runner. */
  pid: number;
  /** The callers' run. */
  run: string | null;
  undo: readonly UndoStep[];
}

/** All faults in force on a stack. */
export interface Broken {
  actions: ActionEntry[];
  drill: DrillEntry | null;
  /** Notes for the end of each provocation, by alert. */
  provocations: Record<string, Record<string, string>>;
}

/** A lock older than this belongs to a killed process, ms. A change takes a few milliseconds. */
const staleLockMs = 2_000;
const lockEveryMs = 5;

/**
 * The record of the faults in force on a stack. It is one file, written before each fault, so that the next command can
 * undo the fault even after a crash. A change is atomic between processes.
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
    /** Adds an action. An action already in force keeps its start. */
    beginAction(action: string, target: string): void {
      change(({ actions }) => {
        if (actions.some((entry) => entry.action === action && entry.target === target)) return;
        actions.push({ action, target, at: new Date().toISOString() });
      });
    },
    /** Removes the actions that `matches`, and returns them. */
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
    /** Removes a provocation and returns its notes; undefined if it has already ended. */
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

/** Takes a lock file, and waits while another process holds it. Returns the function that releases it. */
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
