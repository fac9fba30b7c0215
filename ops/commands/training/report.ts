import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../command.ts";
import { lastReport } from "../../report/store.ts";
import { CannotError } from "../../stack/engine.ts";

/** `report`: prints this stack's newest report. */
export const report: Command = {
  usage: "",
  summary: "print this stack's newest report, and where its page is",
  async run({ stack, print }) {
    const dir = lastReport(stack.root, stack.engine.stack);
    if (dir === undefined)
      throw new CannotError(`no report of the stack "${stack.engine.stack}" yet: make drill DRILL=kill-node`);
    print(readFileSync(join(dir, "report.md"), "utf8"));
    print(`open ${join(dir, "report.html")}`);
    return 0;
  },
};
