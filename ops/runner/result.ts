import type { CallsReport } from "../../common/calls.ts";
import type { Drill } from "../drills/define-drill.ts";
import type { AlertBand } from "./alert-watch.ts";
import type { Judged, Verdict } from "./verdict.ts";

export interface DrillOptions {
  seed: number;
  /** Laid over the drill's own callers. */
  calls?: Partial<Drill["calls"]>;
  /** The negative control: what the drill proves is switched off, and it must deviate. */
  control?: boolean;
  signal: AbortSignal;
  /** A line for each phase and each command. */
  tell(line: string): void;
  /** The live view, once a second while the drill is watched. */
  show?(live: Live): void;
}

/** What a live view shows. */
export interface Live {
  /** Since the injection, ms. */
  sinceMs: number;
  peers: Readonly<Record<string, number>>;
  reconnecting: number;
  signalsPerSecond: number;
  lost: number;
  alerts: readonly string[];
}

/** All that a report is made of. */
export interface DrillResult {
  drill: string;
  claim: string;
  verdict: Verdict;
  /** What was switched off, where it was the negative control: deviating is what it must do. */
  control: string | null;
  /** Why, where it is not by the expectations. */
  reasons: string[];
  expectations: Judged[];
  engine: string;
  stack: string;
  seed: number;
  node: string;
  startedAt: number;
  injectedAt: number | null;
  recoveredAt: number | null;
  endedAt: number;
  typed: string[];
  alerts: AlertBand[];
  calls: CallsReport | null;
  runbook: string;
  dashboard: string;
  teaches: string;
}
