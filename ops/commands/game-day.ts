import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { runAction } from "../chaos/actions.ts";
import { heal } from "../chaos/heal.ts";
import type { Command } from "../command.ts";
import { drillRecord, rollBack } from "../drills/rollback.ts";
import { unsteady } from "../drills/steady.ts";
import { wholeNumber } from "./drill.ts";

/** Faults by level, with the runbook of the model answer. */
const faults = [
  { level: 1, action: "kill", target: "signaling", runbook: "SignalingReplicaDown" },
  { level: 1, action: "kill", target: "redis", runbook: "RedisDown" },
  { level: 2, action: "pause", target: "signaling", runbook: "ProxyEjections" },
  { level: 2, action: "pause", target: "redis", runbook: "SignalingBackplaneDown" },
  { level: 3, action: "partition", target: "signaling", runbook: "SignalingBackplanePartitioned" },
  { level: 3, action: "slow", target: "redis", runbook: "SignalingRelaySlow" },
];

/** `game-day`: a hidden fault that the trainee finds, names and heals; answers may come from a pipe. */
export const gameDay: Command = {
  usage: "[--seed 7] [--level 1]",
  summary: "a hidden fault: detect it, name it, heal it; exit 0 when it was named",
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
    const reasons = await unsteady(stack);
    if (reasons.length > 0) {
      for (const reason of reasons) print(`not at steady state: ${reason} (make heal)`);
      return 2;
    }
    const hidden = faults.filter((fault) => fault.level <= Math.min(3, Math.max(1, level)));
    const fault = hidden[seed % hidden.length];
    if (fault === undefined) return 2;
    const target = fault.target === "signaling" ? `signaling-${(seed % 3) + 1}` : fault.target;
    const record = { drill: "game-day", pid: process.pid, run: null, undo: [{ do: "heal" as const }] };
    drillRecord(stack).write(record);
    try {
      await runAction(stack, fault.action, target);
      const begunAt = Date.now();
      print("Something is broken now. Look at make status, make logs, the dashboards and alerts.");
      print("Type: seen | hint | <component> <fault>, e.g. signaling-2 kill | quit");
      print("Faults: kill, pause, partition, slow. A hint costs 20 points, a wrong answer 10.");
      let points = 100;
      let seenMs: number | undefined;
      let namedMs: number | undefined;
      for await (const line of createInterface({ input: process.stdin, signal })) {
        const words = line.trim().toLowerCase();
        if (words === "quit") break;
        if (words === "seen") {
          seenMs ??= Date.now() - begunAt;
          print(`noted after ${seenMs} ms; which component, which fault?`);
        } else if (words === "hint") {
          points -= 20;
          print(`read docs/runbooks/${fault.runbook}.md`);
        } else if (words === `${target} ${fault.action}`) {
          namedMs = Date.now() - begunAt;
          break;
        } else if (words !== "") {
          points -= 10;
          print("not that");
        }
      }
      print(namedMs === undefined ? "not named; healing" : "named; healing");
      await heal(stack, { tell: print });
      const seconds = (ms: number | undefined) => (ms === undefined ? "never" : `${(ms / 1000).toFixed(1)} s`);
      print(`scorecard (seed ${seed}, level ${level}): ${namedMs === undefined ? 0 : Math.max(0, points)} points`);
      print(
        `  detected ${seconds(seenMs ?? namedMs)} · named ${seconds(namedMs)} · healed ${seconds(Date.now() - begunAt)}`,
      );
      print(`  it was: ${fault.action} ${target} (docs/runbooks/${fault.runbook}.md)`);
      return namedMs === undefined ? 1 : 0;
    } finally {
      await rollBack(stack, record, () => undefined);
    }
  },
};
