import { parseArgs } from "node:util";
import type { Command } from "../../command.ts";
import { drills, ofServers } from "../../drills/drills.ts";
import { figure, writeSession } from "../../report/session.ts";
import { exitCodes } from "../../runner/verdict.ts";
import { runnableOn, runReported, wholeNumber } from "./drill.ts";

/** `soak --minutes 30`: runs seeded drills back to back and reports their verdicts. */
export const soak: Command = {
  usage: "[--minutes 30] [--seed 1]",
  summary: "random seeded drills back to back; at least one",
  needsStack: true,
  async run(context, args) {
    const { values } = parseArgs({
      args,
      options: { minutes: { type: "string", default: "30" }, seed: { type: "string", default: "1" } },
    });
    const until = Date.now() + wholeNumber("--minutes", values.minutes) * 60_000;
    const possible = await runnableOn(context.stack.engine, [...drills, ...ofServers]);
    const startedAt = Date.now();
    const firstSeed = wholeNumber("--seed", values.seed);
    const lines: [number, string][] = [];
    const verdicts: Record<string, number> = {};
    let worst = 0;
    let seed = firstSeed;
    do {
      // The step is multiplicative, so that neighbouring seeds give different sequences of drills.
      const drill = possible[(seed * 7_919) % possible.length];
      if (drill === undefined) break;
      const verdict = await runReported(context, drill, seed);
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      lines.push([(Date.now() - startedAt) / 1_000, `${drill.name} (seed ${seed}): ${verdict}`]);
      worst = Math.max(worst, exitCodes[verdict]);
      seed += 1;
    } while (Date.now() < until && !context.signal.aborted);
    const counts = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`);
    context.print(`soak: ${counts.join(", ")}`);
    const passed = verdicts["passed"] ?? 0;
    writeSession(context.stack.root, {
      kind: "soak",
      verdict: worst === 0 ? "passed" : "deviated",
      claim: "Random seeded drills back to back: each holds, after any other.",
      reasons: lines.filter(([, line]) => !line.endsWith(": passed")).map(([, line]) => line),
      expectations: [figure("drills that passed", passed, "", `${lines.length} of ${lines.length}`, worst === 0)],
      engine: context.stack.engine.name,
      stack: context.stack.engine.stack,
      seed: firstSeed,
      startedAt,
      endedAt: Date.now(),
      lines,
    });
    return worst;
  },
};
