import { quantile } from "../../support/load/signal-load.ts";
import type { Signal } from "../bystanders/protocol.ts";
import type { Sample } from "./protocol.ts";

/** Bounds on the bystanders' signals, ms. */
const maxP99Ms = 250;
const maxWorstMs = 1_500;
/** On a machine that stays slow the bounds are so many times as wide. */
const slowFactor = 4;

/** Others slow the stack if they use more than this, in cores, and more than is idle. */
const maxOthers = 0.3;
/** A later tick of the control is a stall of the machine, ms, unless the suite itself used the processors. */
const maxLateMs = 50;
/** Share of the processors from which on the suite itself is what makes the control late. */
const ownShare = 0.8;

/** What happens in this time before a signal slows it too, because work has piled up, ms. */
export const beforeMs = 1_000;
/** A signal is not judged if the machine was slow for more than this share of its life and of the time before it. */
const maxSlowShare = 0.3;
/** Fewer signals have no 99th percentile. */
const enoughSignals = 100;

interface Latency {
  count: number;
  p99Ms: number;
  worstMs: number;
}

/** The latency of signals, and of those of them for which the machine was well. */
export interface Judgement {
  all: Latency;
  judged: Latency;
  /** Share of the time in which the machine was slow. */
  slowShare: number;
  /** Mean processor time of others, cores. */
  others: number;
  /** The control's latest tick, ms. */
  latestMs: number;
}

/**
 * True if something other than the suite slowed the machine. Work of the stack and of the attack never counts: it is
 * their own processor time. A control that is late while they use the processors says nothing either.
 */
export function isSlow({ own, others, idle, lateMs }: Sample): boolean {
  if (others > Math.max(maxOthers, idle)) return true;
  return lateMs > maxLateMs && own < ownShare * (own + others + idle);
}

/** Share of `from` … `until` that slow samples cover. */
function slowShareOf(samples: readonly Sample[], from: number, until: number): number {
  let slowMs = 0;
  for (const sample of samples)
    if (isSlow(sample)) slowMs += Math.max(0, Math.min(until, sample.until) - Math.max(from, sample.from));
  return slowMs / Math.max(1, until - from);
}

function latencyOf(signals: readonly Signal[]): Latency {
  const ascending = signals.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return { count: ascending.length, p99Ms: quantile(ascending, 0.99), worstMs: ascending.at(-1) ?? 0 };
}

/** @param samples those of the signals' time and of {@link beforeMs} before it */
export function judge(signals: readonly Signal[], samples: readonly Sample[]): Judgement {
  const isJudged = ({ sentAt, latencyMs }: Signal) =>
    slowShareOf(samples, sentAt - beforeMs, sentAt + latencyMs) <= maxSlowShare;
  const [from, until] = [samples[0]?.from ?? 0, samples.at(-1)?.until ?? 0];
  return {
    all: latencyOf(signals),
    judged: latencyOf(signals.filter(isJudged)),
    slowShare: slowShareOf(samples, from, until),
    others: samples.reduce((sum, { others }) => sum + others, 0) / Math.max(1, samples.length),
    latestMs: Math.max(0, ...samples.map(({ lateMs }) => lateMs)),
  };
}

const isWithin = ({ p99Ms, worstMs }: Latency, factor = 1) =>
  p99Ms <= factor * maxP99Ms && worstMs <= factor * maxWorstMs;

/**
 * - `held`: all signals are within the bounds, or all that are judged, and those are enough for a 99th percentile.
 * - `exceeded`: enough are judged, and they are not within the bounds.
 * - `machine slow, held to 4 times the bounds`: not all are within the bounds, and too few are judged to say whose fault
 *   it is.
 * - `machine too slow to judge`: not even that.
 */
export type Verdict =
  | "held"
  | "exceeded"
  | `machine slow, held to ${typeof slowFactor} times the bounds`
  | "machine too slow to judge";

export function verdictOf({ all, judged }: Judgement): Verdict {
  if (isWithin(all)) return "held";
  if (judged.count >= enoughSignals) return isWithin(judged) ? "held" : "exceeded";
  return isWithin(all, slowFactor)
    ? `machine slow, held to ${slowFactor} times the bounds`
    : "machine too slow to judge";
}

/** True if the machine was slow for so long that an attack may not have taken place. */
export const wasSlow = ({ slowShare }: Judgement): boolean => slowShare > maxSlowShare;

/** One line on the figures. */
export function explain({ all, judged, slowShare, others, latestMs }: Judgement): string {
  const told = ({ p99Ms, worstMs, count }: Latency) =>
    `p99 ${p99Ms.toFixed(0)} worst ${worstMs.toFixed(0)} ms of ${count}`;
  return `all ${told(all)}, judged ${told(judged)}; machine slow ${(100 * slowShare).toFixed(0)} % of the time, others used ${others.toFixed(1)} cores, control late by ${latestMs.toFixed(0)} ms`;
}
