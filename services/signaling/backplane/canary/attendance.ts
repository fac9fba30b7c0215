/** Once a new connection works, the replicas that were there before are waited for this long, ms. */
const awaitedForMs = 1_000;

/**
 * Node id, and whether it has just come, answers one that has, or is about to go. One that goes adds the run of its
 * process and the number of its last canary, since a cluster's channels have no common order.
 */
const wordForm = /^([a-z0-9][a-z0-9-]{0,62}) (?:(hello|here)|leaves ([\w-]{8}):(\d{1,15}))$/;

/**
 * Which other replicas use the server of this connection. Replicas do not change servers at the same moment: so a
 * replica says when it comes, those that are there answer, and it says when it goes, if it can.
 */
export function createAttendance(
  nodeId: string,
  options: {
    /** Tells all replicas at the server. */
    tell: (word: string) => void;
    /** Another replica came or went. */
    onChange: () => void;
    /** Another replica went. */
    onLeft: (node: string) => void;
  },
) {
  const { tell, onChange, onLeft } = options;
  const present = new Set<string>();
  /** Those of the last connection that have not come yet. */
  const awaited = new Set<string>();
  /** The last canary of each process that went. */
  const last = new Map<string, number>();
  let isOpen = false;
  /** Since when the connection works; null until then. */
  let worksAt: number | null = null;
  let leaving = false;

  function meet(node: string): void {
    if (node === nodeId || !isOpen) return;
    present.add(node);
    if (awaited.delete(node)) onChange();
  }

  return {
    /** A canary arrived. @returns false if its process has gone since it sent it */
    heard(node: string, run: string, number: number): boolean {
      if (number <= (last.get(run) ?? -1)) return false;
      last.delete(run);
      meet(node);
      return true;
    },
    /** Takes the word of another replica, and ignores any other text. */
    hears(text: string): void {
      const [, node, came, run, number] = wordForm.exec(text) ?? [];
      if (node === undefined || node === nodeId) return;
      if (run === undefined) {
        meet(node);
        if (came === "hello" && isOpen && !leaving) tell(`${nodeId} here`);
        return;
      }
      last.set(run, Number(number));
      present.delete(node);
      awaited.delete(node);
      onLeft(node);
      onChange();
    },
    /** There is a connection. */
    opened(): void {
      isOpen = true;
      worksAt = null;
      leaving = false;
      tell(`${nodeId} hello`);
    },
    /** Tells the others that this replica goes, and which canary of which process is its last one. */
    leave(run: string, number: number): void {
      if (!isOpen || leaving) return;
      tell(`${nodeId} leaves ${run}:${number}`);
      leaving = true;
    },
    /** The connection is gone. @param isKnown whether a replica may come to the next one */
    lost(isKnown: (node: string) => boolean): void {
      for (const node of present) if (isKnown(node)) awaited.add(node);
      present.clear();
      isOpen = false;
    },
    /** True from its word that it goes until the next connection. */
    leaving: () => leaving,
    /**
     * Whether those of the last connection are there, or were waited for long enough.
     *
     * @param works whether the connection carries messages now
     */
    isComplete(works: boolean): boolean {
      worksAt = works && isOpen ? (worksAt ?? performance.now()) : null;
      if (worksAt !== null && performance.now() - worksAt > awaitedForMs) awaited.clear();
      return awaited.size === 0;
    },
    /** Whether that replica uses the server of this connection, as far as is known. */
    reaches: (node: string): boolean => present.has(node),
  };
}
