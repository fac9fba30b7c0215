import { fork } from "node:child_process";
import { once } from "node:events";

/** A program of the suite in a process of its own. It ends when it is disposed of. */
export interface Child<Order, Told extends { kind: string }> extends AsyncDisposable {
  readonly pid: number;
  order(what: Order): void;
  /** The next message. @throws Error if the process has ended, ends before it, or says something else */
  next<K extends Told["kind"]>(kind: K): Promise<Extract<Told, { kind: K }>>;
}

/** @param who its name in error messages */
export function forkChild<Order extends string | object, Told extends { kind: string }>(
  who: string,
  path: string,
  args: readonly string[],
): Child<Order, Told> {
  const child = fork(path, args);
  return {
    pid: child.pid ?? 0,
    order(what) {
      // `next` tells that it has ended.
      if (child.connected) child.send(what);
    },
    async next<K extends Told["kind"]>(kind: K) {
      const over = new AbortController();
      const ended = () => over.abort(new Error(`${who} ended with ${child.exitCode ?? child.signalCode}`));
      if (child.exitCode !== null || child.signalCode !== null) ended();
      child.once("exit", ended);
      try {
        over.signal.throwIfAborted();
        const [told] = (await once(child, "message", { signal: over.signal })) as [Told];
        if (told.kind !== kind) throw new Error(`${who} said ${told.kind}`);
        return told as Extract<Told, { kind: K }>;
      } catch (error) {
        throw over.signal.aborted ? over.signal.reason : error;
      } finally {
        child.off("exit", ended);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}
