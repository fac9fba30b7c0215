import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { runAction } from "../chaos/actions.ts";
import type { Command } from "../command.ts";
import { heal } from "../heal/heal.ts";
import { drillRecord, rollBack } from "../runner/rollback.ts";
import type { Stack } from "../stack/open-stack.ts";
import { unsteady } from "../stack/steady.ts";
import { pause } from "../wait/pause.ts";
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
      const lines = createInterface({ input: process.stdin, signal });
      // Over when the input is, too: answers may come from a pipe.
      const ended = new AbortController();
      lines.once("close", () => ended.abort());
      const found = await diagnose(lines, ended.signal, {
        answer: `${target} ${fault.action}`,
        runbook: fault.runbook,
        print,
      });
      let healedMs: number | undefined;
      if (found.namedMs !== undefined) {
        print("named. Now heal it from another terminal (make heal, or the target's own), or type: heal");
        if (await healedByHand(stack, lines, ended.signal)) healedMs = Date.now() - begunAt;
      }
      lines.close();
      if (healedMs === undefined) {
        print(found.namedMs === undefined ? "not named; healing" : "healing");
        await heal(stack, { tell: print });
        healedMs = Date.now() - begunAt;
      }
      const points = found.namedMs === undefined ? 0 : found.points;
      print(`scorecard (seed ${seed}, level ${level}): ${points} points`);
      print(
        `  detected ${seconds(found.seenMs ?? found.namedMs)} · named ${seconds(found.namedMs)} · healed ${seconds(healedMs)}`,
      );
      print(`  it was: ${fault.action} ${target} (docs/runbooks/${fault.runbook}.md)`);
      return found.namedMs === undefined ? 1 : 0;
    } finally {
      await rollBack(stack, record, () => undefined);
    }
  },
};

const seconds = (ms: number | undefined) => (ms === undefined ? "never" : `${(ms / 1000).toFixed(1)} s`);

/** What the trainee found out, ms from now. */
interface Found {
  seenMs?: number;
  namedMs?: number;
  points: number;
}

/** Reads lines until the fault is named, or the trainee quits or has nothing more to say. */
async function diagnose(
  lines: Interface,
  ended: AbortSignal,
  { answer, runbook, print }: { answer: string; runbook: string; print: (line: string) => void },
): Promise<Found> {
  const begunAt = Date.now();
  const found: Found = { points: 100 };
  const { promise, resolve } = Promise.withResolvers<Found>();
  const read = (line: string) => {
    const words = line.trim().toLowerCase();
    if (words === "quit") resolve(found);
    else if (words === answer) {
      found.namedMs = Date.now() - begunAt;
      found.points = Math.max(0, found.points);
      resolve(found);
    } else if (words === "seen") {
      found.seenMs ??= Date.now() - begunAt;
      print(`noted after ${seconds(found.seenMs)}; which component, which fault?`);
    } else if (words === "hint") {
      found.points -= 20;
      print(`read docs/runbooks/${runbook}.md`);
    } else if (words !== "") {
      found.points -= 10;
      print("not that");
    }
  };
  lines.on("line", read);
  ended.addEventListener("abort", () => resolve(found), { once: true });
  await promise;
  lines.off("line", read);
  return found;
}

/** Waits for steady state; false where the trainee types `heal`, or the input is over, before that. */
async function healedByHand(stack: Stack, lines: Interface, ended: AbortSignal): Promise<boolean> {
  const asked = new AbortController();
  lines.on("line", (line) => {
    if (line.trim().toLowerCase() === "heal") asked.abort();
  });
  const over = AbortSignal.any([ended, asked.signal]);
  while (!over.aborted) {
    if ((await unsteady(stack)).length === 0) return true;
    await pause(1_000, over);
  }
  return false;
}
