import type { CallsReport } from "../../common/calls.ts";
import type { Drill } from "../drills/define-drill.ts";
import type { AlertBand } from "./alert-watch.ts";
import type { Judged, Verdict } from "./verdict.ts";

export interface DrillOptions {
  seed: number;
  /** Overrides of the drill's callers. */
  calls?: Partial<Drill["calls"]>;
  /** True for the negative control: the mechanism is switched off, and the drill must deviate. */
  control?: boolean;
  signal: AbortSignal;
  /** Receives a line for each phase and each command. */
  tell(line: string): void;
  /** Receives the live view once a second during the watch phase. */
  show?(live: Live): void;
}

/** The data of a live view. */
export interface Live {
  /** Time since the injection, ms. */
  sinceMs: number;
  peers: Readonly<Record<string, number>>;
  reconnecting: number;
  signalsPerSecond: number;
  lost: number;
  alerts: readonly string[];
}

/** The data of a report. */
export interface DrillResult {
  drill: string;
  claim: string;
  verdict: Verdict;
  /** The mechanism that the negative control switched off; null in an ordinary run. A control must deviate. */
  control: string | null;
  /** Reasons for the verdict besides the expectations. */
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
