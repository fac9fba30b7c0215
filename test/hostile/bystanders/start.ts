import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { BystanderReport, BystanderSettings, Order, Told } from "./protocol.ts";

/** Stops twelve peers when it is disposed of. */
interface Bystanders extends AsyncDisposable {
  rooms: string[];
  begin(): Promise<void>;
  end(): Promise<BystanderReport>;
}

/** Starts the twelve peers in a process of their own; resolves when all have joined. */
export async function startBystanders(settings: BystanderSettings): Promise<Bystanders> {
  const child = fork(join(import.meta.dirname, "main.ts"), [JSON.stringify(settings)]);
  /** The next message. @throws Error if the process has ended, or ends before it */
  async function next<K extends Told["kind"]>(kind: K): Promise<Extract<Told, { kind: K }>> {
    const over = new AbortController();
    const ended = () => over.abort(new Error(`the bystanders ended with ${child.exitCode ?? child.signalCode}`));
    if (child.exitCode !== null || child.signalCode !== null) ended();
    child.once("exit", ended);
    try {
      over.signal.throwIfAborted();
      const [told] = (await once(child, "message", { signal: over.signal })) as [Told];
      if (told.kind !== kind) throw new Error(`the bystanders said ${told.kind}`);
      return told as Extract<Told, { kind: K }>;
    } catch (error) {
      throw over.signal.aborted ? over.signal.reason : error;
    } finally {
      child.off("exit", ended);
    }
  }
  const order = (what: Order) => child.send(what);
  const { rooms } = await next("ready");
  return {
    rooms,
    async begin() {
      order("begin");
      await next("begun");
    },
    async end() {
      order("end");
      return (await next("report")).report;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}
