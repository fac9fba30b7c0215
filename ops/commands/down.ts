import type { Command } from "../command.ts";
import { takeDown } from "../process/up.ts";
import { CannotError } from "../stack/engine.ts";

/** Ends a stack of processes, whatever state it is in. */
export const down: Command = {
  usage: "",
  summary: "end every process of the stack",
  async run({ stack, print }) {
    if (stack.engine.name !== "process")
      throw new CannotError("make down ends a stack of containers: make down ENGINE=compose");
    const ended = await takeDown(stack.state);
    print(ended.length === 0 ? `nothing of "${stack.engine.stack}" was running` : `ended ${ended.join(", ")}`);
    return 0;
  },
};
