import { createInterface, type Interface } from "node:readline";
import type { Stack } from "../stack/open-stack.ts";
import { unsteady } from "../stack/steady.ts";
import { everySecond } from "../wait/every-second.ts";
import { readAnswer } from "./answer.ts";
import type { Fault } from "./faults.ts";
import { createSymptoms, type Symptom } from "./symptoms.ts";

/** When the trainee did each step, ms since the fault; undefined if never. */
export interface Score {
  seenMs?: number;
  namedMs?: number;
  healedMs?: number;
  points: number;
  hints: number;
  wrong: number;
  symptoms: readonly Symptom[];
  /** True if the trainee healed the stack, not the game. */
  byHand: boolean;
}

const hintCosts = 20;
const wrongCosts = 10;

/**
 * The dialogue with the trainee, from the injection until the fault is named and healed.
 */
export async function play(options: {
  stack: Stack;
  fault: Fault;
  begunAt: number;
  input: NodeJS.ReadableStream;
  signal: AbortSignal;
  print(line: string): void;
  phase(phase: string): Promise<void>;
}): Promise<Score> {
  const { stack, fault, begunAt, input, signal, print, phase } = options;
  const score: Score = { points: 100, hints: 0, wrong: 0, symptoms: [], byHand: false };
  const symptoms = createSymptoms(stack, begunAt);
  score.symptoms = symptoms.seen;
  const lines: Interface = createInterface({ input, signal });
  const over = Promise.withResolvers<void>();
  let wasBroken = false;
  // The end of the input also ends the game, since answers may come from a pipe.
  lines.once("close", () => over.resolve());

  const watching = everySecond(async () => {
    await symptoms.look();
    const broken = (await unsteady(stack)).length > 0;
    wasBroken ||= broken;
    if (broken || !wasBroken || score.healedMs !== undefined) return;
    score.healedMs = Date.now() - begunAt;
    score.byHand = true;
    print(
      `healed by hand after ${seconds(score.healedMs)}${score.namedMs === undefined ? "; what was it? (or quit)" : ""}`,
    );
    if (score.namedMs !== undefined) over.resolve();
  });

  lines.on("line", (line) => {
    const text = line.trim().toLowerCase();
    if (text === "") return;
    if (text === "quit" || (text === "heal" && score.namedMs !== undefined)) return over.resolve();
    if (text === "seen") {
      score.seenMs ??= Date.now() - begunAt;
      print(`noted after ${seconds(score.seenMs)}; which component, which fault?`);
      return;
    }
    if (text === "hint") {
      score.hints += 1;
      score.points -= hintCosts;
      print(`read docs/runbooks/${fault.runbook}.md`);
      return;
    }
    if (score.namedMs !== undefined) return print("named already: heal it from another terminal, or type: heal");
    const { target, action, several } = readAnswer(text);
    if (several) return print("name one component and one fault");
    if (target === null || action === null)
      return print(
        target === null ? "which component? signaling-1 … or redis" : "name the fault: killed, frozen, cut off, slow",
      );
    if (target !== fault.target || action !== fault.action) {
      score.wrong += 1;
      score.points -= wrongCosts;
      return print("not that");
    }
    score.namedMs = Date.now() - begunAt;
    void phase("named");
    if (score.healedMs !== undefined) return over.resolve();
    print("named. Now heal it from another terminal (make heal, or the target's own), or type: heal");
  });
  try {
    await over.promise;
  } finally {
    lines.close();
    await watching.close();
  }
  score.points = score.namedMs === undefined ? 0 : Math.max(0, score.points);
  return score;
}

/** `12.3 s`, or never. */
export const seconds = (ms: number | undefined) => (ms === undefined ? "never" : `${(ms / 1000).toFixed(1)} s`);
