import type { Command } from "../command.ts";
import { bringUp } from "../process/up.ts";
import { CannotError } from "../stack/engine.ts";

/** Starts a stack of processes (make starts one of containers itself). */
export const up: Command = {
  usage: "",
  summary: "start the stack on the process engine; ready when it returns",
  async run({ stack, print, config }) {
    if (stack.engine.name !== "process")
      throw new CannotError("this command starts processes; for containers: make up ENGINE=compose");
    stack.state.create();
    if (stack.state.stack() === undefined)
      stack.state.saveStack({ portBase: config.PORT_BASE, settings: { ...stack.layout.settings } });
    await bringUp({ ...stack, print });
    return 0;
  },
};
