import { expect } from "vitest";
import type { Bound } from "../../ops/hostile/attacker.ts";
import { explain, type Judgement, judge, verdictOf, wasSlow } from "./control/judge.ts";
import { maxPeakMib, type Outcome, settleMs, tooLong } from "./stage.ts";

/** Allowance for other changing descriptors: probes, scrapes, the proxy's idle pool. */
const slackDescriptors = 80;

/** The signals of all rounds of one attack. The second before a round belongs to the round before it too. */
function judgeAll(rounds: readonly Outcome[]): Judgement {
  const samples = new Map(rounds.flatMap((round) => round.samples).map((sample) => [sample.from, sample]));
  return judge(
    rounds.flatMap(({ report }) => report.signals),
    [...samples.values()],
  );
}

const isMet = ({ figures }: Outcome, { figure, min = 0 }: Bound) => (figures[figure] ?? 0) >= min;
const tookPlace = (outcome: Outcome) =>
  (outcome.figures["sent"] ?? 0) > 0 && (outcome.attack.bounds ?? []).every((bound) => isMet(outcome, bound));

/**
 * True if the machine was too slow in these rounds of one attack. Another round then adds its signals to theirs. What
 * was judged stays judged: no round takes a failure back.
 */
export function needsAnotherRound(rounds: readonly Outcome[]): boolean {
  if (verdictOf(judgeAll(rounds)).startsWith("machine")) return true;
  return !rounds.some(tookPlace) && rounds.every(({ report, samples }) => wasSlow(judge(report.signals, samples)));
}

/** What must hold during and after every attack. */
export function expectUnhurt(rounds: readonly Outcome[]): void {
  for (const outcome of rounds) expectUnhurtIn(outcome);
  const judgement = judgeAll(rounds);
  expect.soft(verdictOf(judgement), explain(judgement)).toMatch(/held/);
  const figures = rounds.map((round) => round.figures);
  expect.soft(rounds.some(tookPlace), `the attack took place: ${JSON.stringify(figures)}`).toBe(true);
}

function expectUnhurtIn({ attack, figures, opened, seconds, leftOver, report, growth, errors, dead }: Outcome): void {
  expect.soft(dead, "programs that ended").toEqual([]);
  expect.soft(figures, "it ends with its time").not.toHaveProperty([`stopped: ${tooLong}`]);
  expect.soft(leftOver, `its connections ${settleMs} ms later`).toBe(0);
  const { socketsLost, refused, lost, unanswered, repeated, strange, notReady } = report;
  expect
    .soft({ socketsLost, refused, lost, unanswered, repeated, strange, notReady }, "the peers beside it")
    .toEqual({ socketsLost: [], refused: {}, lost: 0, unanswered: 0, repeated: 0, strange: [], notReady: [] });
  expect.soft(report.sent, "signals sent beside it").toBeGreaterThan(30);
  for (const { name, peakMib, descriptors } of growth) {
    expect.soft(peakMib, `MiB that ${name} grew by at its peak`).toBeLessThanOrEqual(maxPeakMib);
    const own = name === "proxy" ? 2 * opened : name === "redis" ? 0 : opened;
    expect
      .soft(descriptors, `descriptors of ${name} for ${opened} connections`)
      .toBeLessThanOrEqual(own + slackDescriptors);
  }
  expect.soft(errors.slice(0, 3), "lines at level error").toEqual([]);
  for (const { figure, max } of attack.bounds ?? []) {
    if (max === undefined) continue;
    expect.soft(figures[figure] ?? 0, `${figure} in ${seconds.toFixed(1)} s`).toBeLessThanOrEqual(max(seconds));
  }
}

/** One line of the table. */
export function lineOf({ attack, figures, opened, seconds, report, samples, growth, errors }: Outcome): string {
  const { signals, lost, socketsLost, unanswered, notReady, refused } = report;
  const grown = growth
    .map(({ peakMib, descriptors, cpuSeconds }) => [peakMib.toFixed(0), descriptors, cpuSeconds.toFixed(1)].join("/"))
    .join(" ");
  const judgement = judge(signals, samples);
  const hurt = lost + unanswered + Object.values(refused).reduce((sum, count) => sum + count, 0);
  return [
    `${attack.guard.padEnd(12)} ${attack.name.slice(0, 70).padEnd(70)} ${seconds.toFixed(1)} s`,
    `hurt ${hurt} sockets ${socketsLost.length} unready ${notReady.length}`,
    `${verdictOf(judgement)}: ${explain(judgement)}`,
    `MiB/fds/CPU s ${grown}  opened ${opened} errors ${errors.length} ${JSON.stringify(figures)}`,
  ].join("  ");
}
