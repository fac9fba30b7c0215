import type { Session } from "../report/session.ts";
import { figure } from "../report/session.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { Fault } from "./faults.ts";
import { type Score, seconds } from "./game.ts";

/** The scorecard as lines of text. */
export function scoreLines(fault: Fault, score: Score, { seed, level }: { seed: number; level: number }): string[] {
  return [
    `scorecard (seed ${seed}, level ${level}): ${score.points} points`,
    `  detected ${seconds(score.seenMs ?? score.namedMs)} · named ${seconds(score.namedMs)} · healed ${seconds(score.healedMs)}${score.byHand ? " by hand" : ""}`,
    `  it was: ${fault.action} ${fault.target} (docs/runbooks/${fault.runbook}.md)`,
    ...score.symptoms.map(({ at, text }) => `  visible after ${seconds(at)}: ${text}`),
  ];
}

/** The scorecard as a report: when each symptom was visible, and when the trainee saw it. */
export function scoreSession(
  stack: Stack,
  fault: Fault,
  score: Score,
  { seed, level, begunAt }: { seed: number; level: number; begunAt: number },
): Session {
  const first = score.symptoms[0]?.at;
  const lines = [
    { at: 0, text: `${fault.action} ${fault.target} (level ${level})` },
    ...score.symptoms.map(({ at, text }) => ({ at, text: `visible: ${text}` })),
    ...moment(score.seenMs, "the trainee saw it"),
    ...moment(score.namedMs, "the trainee named it"),
    ...moment(score.healedMs, score.byHand ? "healed by hand" : "healed by the game"),
  ].sort((a, b) => a.at - b.at);
  const inSeconds = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms / 100) / 10);
  return {
    kind: "game-day",
    verdict: score.namedMs === undefined ? "deviated" : "passed",
    claim: `A hidden fault of level ${level}: detected, named and healed.`,
    reasons: score.namedMs === undefined ? ["it was not named"] : [],
    expectations: [
      figure("points", score.points, "", "100 at the most", score.points > 0),
      figure("first symptom", inSeconds(first), "s", "visible", true),
      figure(
        "detected",
        inSeconds(score.seenMs ?? score.namedMs),
        "s",
        "by the trainee",
        (score.seenMs ?? score.namedMs) !== undefined,
      ),
      figure("named", inSeconds(score.namedMs), "s", "by the trainee", score.namedMs !== undefined),
      figure("healed", inSeconds(score.healedMs), "s", score.byHand ? "by hand" : "by the game", true),
      figure("hints", score.hints, "", "20 points each", true),
      figure("wrong answers", score.wrong, "", "10 points each", true),
    ],
    engine: stack.engine.name,
    stack: stack.engine.stack,
    seed,
    startedAt: begunAt,
    endedAt: Date.now(),
    lines: lines.map(({ at, text }) => [at / 1_000, text]),
  };
}

const moment = (at: number | undefined, text: string) => (at === undefined ? [] : [{ at, text }]);
