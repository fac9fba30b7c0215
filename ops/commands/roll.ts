import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { roll as rollOver } from "../stack/roll.ts";
import { rollProxies } from "../stack/roll-proxies.ts";

/** `roll`: a rolling restart of the replicas, or of the proxies. */
export const roll: Command = {
  usage: "[--proxies]",
  summary: "restart the replicas, or the proxies, one by one, like a deploy",
  needsStack: true,
  async run({ stack, print, signal }, args) {
    const { values } = parseArgs({ args, options: { proxies: { type: "boolean", default: false } } });
    print("watch: set-ups go on and no peer loses its call (make status, dashboard Calls)");
    const step = (id: string, typed: string, tookMs: number) =>
      print(`$ ${typed}\n${id} is ready again after ${(tookMs / 1000).toFixed(1)} s`);
    await (values.proxies ? rollProxies : rollOver)(stack, step, signal);
    if (signal.aborted) print("interrupted: the services that are not listed were left as they are");
    return 0;
  },
};
