import { parseArgs } from "node:util";
import { runAction } from "../../chaos/actions.ts";
import type { Command } from "../../command.ts";
import { faultOf } from "../../game-day/faults.ts";
import { play } from "../../game-day/game.ts";
import { tellProgress } from "../../game-day/progress.ts";
import { scoreLines, scoreSession } from "../../game-day/scorecard.ts";
import { heal } from "../../heal/heal.ts";
import { openRecord } from "../../record/record.ts";
import { runnerLives } from "../../record/runner-lives.ts";
import { backplaneServersOf } from "../../redis/failover.ts";
import { writeSession } from "../../report/session.ts";
import { firingAlerts } from "../../runner/alert-watch.ts";
import { rollBack } from "../../runner/rollback.ts";
import { createPrometheus } from "../../stack/prometheus.ts";
import { unsteady } from "../../stack/steady.ts";
import { until } from "../../wait/until.ts";
import { wholeNumber } from "./drill.ts";

/** Time for earlier alerts to end, ms. A game must not begin with alerts of the last one. */
const alertsEndWithinMs = 240_000;

/** `game-day`: injects a hidden fault that the trainee finds, names and heals. Answers may come from a pipe. */
export const gameDay: Command = {
  usage: "[--seed 7] [--level 1]",
  summary: "a hidden fault: detect it, name it, heal it; exit 0 when it was named",
  needsStack: true,
  follows: true,
  async run({ stack, print, signal }, args) {
    const { values } = parseArgs({
      args,
      options: {
        seed: { type: "string", default: String(Date.now() % 1_000) },
        level: { type: "string", default: "1" },
      },
    });
    const seed = wholeNumber("--seed", values.seed);
    const level = wholeNumber("--level", values.level);
    const running = openRecord(stack.state.dir).read().drill;
    if (running !== null && runnerLives(running)) {
      print(`the drill ${running.drill} runs (pid ${running.pid})`);
      return 2;
    }
    if ((await backplaneServersOf(stack.engine)) !== "single") {
      print("a game day needs one Redis, whose loss is felt: make down, then make up");
      return 2;
    }
    const reasons = await unsteady(stack);
    if (reasons.length > 0) {
      for (const reason of reasons) print(`not at steady state: ${reason} (make heal)`);
      return 2;
    }
    const metrics = createPrometheus(stack.engine.endpoints.prometheus);
    const before = await firingAlerts(metrics);
    if (before.length > 0) print(`waiting until earlier alerts have ended: ${before.join(", ")}`);
    if (
      !(await until(async () => (await firingAlerts(metrics)).length === 0, { withinMs: alertsEndWithinMs, signal }))
    ) {
      if (!signal.aborted) print("alerts still fire without a fault made on purpose: read their runbooks first");
      return 2;
    }
    const fault = faultOf(seed, level);
    const record = { drill: "game-day", pid: process.pid, run: null, undo: [{ do: "heal" as const }] };
    openRecord(stack.state.dir).beginDrill(record);
    try {
      await tellProgress(stack, fault, "looking");
      await runAction(stack, fault.action, fault.target, { hidden: true });
      const begunAt = Date.now();
      print("Something is broken now. Look at the board (make urls), make status, make logs, the dashboards.");
      print("Type: seen | hint | which component and which fault, e.g. signaling-2 killed | quit");
      print("Faults: kill, pause, partition, slow. A hint costs 20 points, a wrong answer 10.");
      const score = await play({
        stack,
        fault,
        begunAt,
        input: process.stdin,
        signal,
        print,
        phase: (phase) => tellProgress(stack, fault, phase),
      });
      if (score.healedMs === undefined) {
        print(score.namedMs === undefined ? "not named; healing" : "healing");
        await heal(stack, { tell: print });
        score.healedMs = Date.now() - begunAt;
      }
      for (const line of scoreLines(fault, score, { seed, level })) print(line);
      writeSession(stack.root, scoreSession(stack, fault, score, { seed, level, begunAt }));
      return score.namedMs === undefined ? 1 : 0;
    } finally {
      await rollBack(stack, record, () => undefined);
    }
  },
};
