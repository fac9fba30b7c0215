import type { Command } from "../command.ts";
import { roll as rollOver } from "../stack/roll.ts";

/** `roll`: a rolling restart of the replicas. */
export const roll: Command = {
  usage: "",
  summary: "restart the replicas one by one, like a deploy",
  needsStack: true,
  async run({ stack, print, signal }) {
    print("watch: set-ups go on and no peer loses its call (make status, dashboard Calls)");
    const step = (id: string, typed: string, tookMs: number) =>
      print(`$ ${typed}\n${id} is ready again after ${(tookMs / 1000).toFixed(1)} s`);
    await rollOver(stack, step, signal);
    if (signal.aborted) print("interrupted: the replicas that are not listed were left as they are");
    return 0;
  },
};
