import { join } from "node:path";
import { forkChild } from "../child.ts";
import type { BystanderReport, BystanderSettings, Order, Told } from "./protocol.ts";

/** Stops twelve peers when it is disposed of. */
interface Bystanders extends AsyncDisposable {
  rooms: string[];
  pid: number;
  begin(): Promise<void>;
  end(): Promise<BystanderReport>;
}

/** Starts the twelve peers in a process of their own; resolves when all have joined. */
export async function startBystanders(settings: BystanderSettings): Promise<Bystanders> {
  const path = join(import.meta.dirname, "main.ts");
  const child = forkChild<Order, Told>("the process of the bystanders", path, [JSON.stringify(settings)]);
  const { rooms } = await child.next("ready");
  return {
    rooms,
    pid: child.pid,
    async begin() {
      child.order("begin");
      await child.next("begun");
    },
    async end() {
      child.order("end");
      return (await child.next("report")).report;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
