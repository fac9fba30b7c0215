import { join } from "node:path";
import { forkChild } from "../child.ts";
import type { Order, Sample, Told } from "./protocol.ts";

interface Control extends AsyncDisposable {
  /** The processes whose processor time is the suite's own from now on. */
  watch(pids: readonly number[]): void;
  /** The samples that end at or after this time, ms since the epoch. */
  since(at: number): Promise<Sample[]>;
}

/** Starts the control in a process of its own. */
export async function startControl(): Promise<Control> {
  const child = forkChild<Order, Told>("the control", join(import.meta.dirname, "main.ts"), []);
  await child.next("ready");
  return {
    watch: (pids) => child.order({ kind: "watch", pids: [...pids] }),
    async since(at) {
      child.order({ kind: "report", since: at });
      return (await child.next("report")).samples;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
