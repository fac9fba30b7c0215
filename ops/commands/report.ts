import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../command.ts";
import { lastReport } from "../report/write.ts";
import { CannotError } from "../stack/engine.ts";

/** `report`: the last drill's. */
export const report: Command = {
  usage: "",
  summary: "print the last drill's report, and where its page is",
  async run({ stack, print }) {
    const dir = lastReport(stack.root);
    if (dir === undefined) throw new CannotError("no report yet: make drill DRILL=kill-node");
    print(readFileSync(join(dir, "report.md"), "utf8"));
    print(`open ${join(dir, "report.html")}`);
    return 0;
  },
};
