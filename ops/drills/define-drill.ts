import type { CallerPeer, CallsReport, CallsRequest, Capabilities } from "../../common/calls.ts";
import type { VerbOptions } from "../chaos/verbs.ts";
import type { UndoStep } from "../record/record.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { ReplicaRow } from "../stack/replica-table.ts";

/** What a drill's functions get. */
export interface DrillContext {
  stack: Stack;
  /** The replica that was drawn, and the others. */
  node: string;
  others: string[];
  /** Carries out a chaos action and keeps the command that a person would have typed. */
  act(action: string, target: string, options?: VerbOptions): Promise<void>;
  /** Keeps a command in the report that is no chaos action. */
  typed(command: string): void;
  /** The drill's callers since the injection. */
  calls(): Promise<CallsReport>;
  replicas(): Promise<ReplicaRow[]>;
  stateOf(id: string): Promise<string>;
  /** A figure of the drill's own, for its expectations. */
  figure(name: string, value: number): void;
  /** Figures that were kept so far. */
  readonly figures: Readonly<Record<string, number>>;
  signal: AbortSignal;
}

/** All that a drill is judged by: plain data, so that the verdict is a pure function of it. */
export interface Observation {
  node: string;
  /** Epoch ms. */
  injectedAt: number;
  /** From the injection; Infinity: not within the deadline. */
  recoveredMs: number;
  /** Peers as they were right before the injection, and at the end. */
  peersBefore: readonly CallerPeer[];
  /** Callers in the seconds before the injection, and from the injection to the end. */
  before: CallsReport;
  after: CallsReport;
  /** First moment that each alert fired, ms after the injection. */
  alertsMs: Readonly<Record<string, number>>;
  figures: Readonly<Record<string, number>>;
  /** Off: an application that exports no metrics runs in place of the replicas. */
  replicaMetrics: boolean;
}

export interface Expectation {
  name: string;
  unit: "ms" | "%" | "";
  /** `max`: at the most; `min`: at the least. */
  bound: { max: number } | { min: number };
  /** What callers must be able to tell, or replicas export; if they cannot, the expectation is not applicable. */
  needs?: keyof Capabilities | "replica metrics";
  /** NaN and Infinity never meet a bound. */
  measure(observation: Observation): number;
}

/** Ordinary settings that switch off what the drill proves. With them the drill must deviate. */
export interface Control {
  /** What is off then. */
  off: string;
  /** Variables that the proxy, or every replica, is restarted with before the drill. */
  settings?: { proxy?: Readonly<Record<string, string>>; replicas?: Readonly<Record<string, string>> };
  /** Laid over the drill's callers. */
  calls?: Partial<CallsRequest>;
}

/** A drill is data and a few small functions; the runner does the rest, in the same order for all. */
export interface Drill {
  name: string;
  /** What it proves, in one sentence. */
  claim: string;
  engines: readonly ("process" | "compose")[];
  /** What its callers hold. */
  calls: Partial<CallsRequest> & { calls: number };
  /** What undoes it. */
  undo: readonly UndoStep[];
  inject(context: DrillContext): Promise<void>;
  /** Whether the injection took effect. */
  injected(context: DrillContext): Promise<boolean>;
  recovered(context: DrillContext): Promise<boolean>;
  /** How long the recovery is waited for, ms. */
  deadlineMs: number;
  /** Takes the figures that need the whole time of the watch. */
  finish?(context: DrillContext): Promise<void>;
  /** The alert that must fire; waited for before the rollback. */
  alert?: { name: string; withinMs: number };
  expect: readonly Expectation[];
  /** Undefined: no setting turns it off; its control is in test/drills/controls.test.ts. */
  control?: Control;
  /** The control where an application runs in place of the replicas; undefined: the same. */
  appControl?: Control;
  /** Below docs/runbooks. */
  runbook: string;
  dashboard: string;
  teaches: string;
}

/** Gives a drill its type. */
export function defineDrill(drill: Drill): Drill {
  return drill;
}
