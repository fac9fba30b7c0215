import type { Command } from "../command.ts";
import { takeDown } from "../process/up.ts";
import { CannotError } from "../stack/engine.ts";

/** Stops a stack of processes in any state. */
export const down: Command = {
  usage: "",
  summary: "stop every process of the stack",
  async run({ stack, print }) {
    if (stack.engine.name !== "process")
      throw new CannotError("this stack runs in containers: make down ENGINE=compose");
    const ended = await takeDown(stack.state);
    print(ended.length === 0 ? `nothing of "${stack.engine.stack}" was running` : `ended ${ended.join(", ")}`);
    return 0;
  },
};
