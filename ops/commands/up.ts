import type { Command } from "../command.ts";
import { bringUp, refuseSettings, takeDown } from "../process/up.ts";
import { CannotError } from "../stack/engine.ts";

/** Starts a stack of processes (make starts one of containers itself). */
export const up: Command = {
  usage: "",
  summary: "start the stack on the process engine; ready when it returns",
  async run({ stack, print, config, signal }) {
    if (stack.engine.name !== "process")
      throw new CannotError("this command starts processes; for containers: make up ENGINE=compose");
    const ranBefore = (await stack.engine.services()).length > 0;
    if (ranBefore && stack.overruled.length > 0)
      throw new CannotError(`the stack is up with another ${stack.overruled.join(", ")}: make down first`);
    refuseSettings(stack.layout, stack.baseEnv["PATH"]);
    stack.state.create();
    if (stack.state.stack() === undefined)
      stack.state.saveStack({ portBase: config.PORT_BASE, settings: { ...stack.layout.settings } });
    try {
      await bringUp({ ...stack, print, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      if (ranBefore) print("interrupted: make up starts the rest, make down ends all");
      else print(`interrupted: ended ${(await takeDown(stack.state)).join(", ")}`);
    }
    return 0;
  },
};
