import type { CallerPeer, CallsReport, CallsRequest, Capabilities } from "../../common/calls.ts";
import type { VerbOptions } from "../chaos/verbs.ts";
import type { UndoStep } from "../record/record.ts";
import type { BackplaneServers } from "../redis/failover.ts";
import type { Engine } from "../stack/engine.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { ReplicaRow } from "../stack/replica-table.ts";

/** The context of a drill's functions. */
export interface DrillContext {
  stack: Stack;
  /** The chosen replica, and the others. */
  node: string;
  others: string[];
  /** Carries out a chaos action and records the equivalent command for the report. */
  act(action: string, target: string, options?: VerbOptions): Promise<void>;
  /** Records a command for the report that is not a chaos action. */
  typed(command: string): void;
  /** The drill's callers since the injection. */
  calls(): Promise<CallsReport>;
  replicas(): Promise<ReplicaRow[]>;
  stateOf(id: string): Promise<string>;
  /** Records a figure for the drill's expectations. */
  figure(name: string, value: number): void;
  /** Figures recorded so far. */
  readonly figures: Readonly<Record<string, number>>;
  signal: AbortSignal;
}

/** The data that decides a drill's verdict. It is plain data, so the verdict is a pure function. */
export interface Observation {
  node: string;
  /** Epoch ms. */
  injectedAt: number;
  /** Time from the injection, ms; Infinity if it exceeded the deadline. */
  recoveredMs: number;
  /** Peers right before the injection, and at the end. */
  peersBefore: readonly CallerPeer[];
  /** The callers' reports of the seconds before the injection, and from the injection to the end. */
  before: CallsReport;
  after: CallsReport;
  /** When each alert first fired, ms after the injection. */
  alertsMs: Readonly<Record<string, number>>;
  figures: Readonly<Record<string, number>>;
  /** False if an application without metrics runs in place of the replicas. */
  replicaMetrics: boolean;
}

export interface Expectation {
  name: string;
  unit: "ms" | "%" | "";
  /** `max` is an upper bound, `min` a lower bound. */
  bound: { max: number } | { min: number };
  /** The capability of callers or replicas that the expectation needs. Without it the expectation is not applicable. */
  needs?: keyof Capabilities | "replica metrics";
  /** NaN and Infinity never meet a bound. */
  measure(observation: Observation): number;
  /** What was seen, one line each, for an expectation that is not met. */
  explain?(observation: Observation): string[];
}

type Variables = Readonly<Record<string, string>>;

/** Ordinary settings that switch off the mechanism that the drill proves. With them the drill must deviate. */
export interface Control {
  /** The mechanism that is off. */
  off: string;
  /** Variables for the restart of the proxy, of the balancer, or of every replica, before the drill. */
  settings?: {
    proxy?: Variables;
    balancer?: Variables;
    replicas?: Variables | ((engine: Engine) => Promise<Variables>);
  };
  /** Overrides of the drill's callers. */
  calls?: Partial<CallsRequest>;
}

/** A drill is data and a few small functions. The runner does the rest, in the same order for every drill. */
export interface Drill {
  name: string;
  /** The claim, in one sentence. */
  claim: string;
  engines: readonly ("process" | "compose" | "kubernetes")[];
  /** The servers of the backplane that it is for, if it is not for every stack. */
  servers?: BackplaneServers;
  /** The calls that its callers hold. */
  calls: Partial<CallsRequest> & { calls: number };
  /** Steps that undo the injection. */
  undo: readonly UndoStep[];
  inject(context: DrillContext): Promise<void>;
  /** True once the injection has taken effect. */
  injected(context: DrillContext): Promise<boolean>;
  recovered(context: DrillContext): Promise<boolean>;
  /** Deadline of the recovery, ms. */
  deadlineMs: number;
  /** Records figures that need the complete watch phase. */
  finish?(context: DrillContext): Promise<void>;
  /** The alert that must fire, on these engines or on all. The runner waits for it before the rollback. */
  alert?: { name: string; withinMs: number; engines?: Drill["engines"] };
  expect: readonly Expectation[];
  /** Undefined if no setting can switch the mechanism off. Then test/drills/controls.test.ts has the control. */
  control?: Control;
  /** The control for an application in place of the replicas; undefined if it is the same. */
  appControl?: Control;
  /** File name in docs/runbooks. */
  runbook: string;
  dashboard: string;
  teaches: string;
}

/** Gives a drill its type. */
export function defineDrill(drill: Drill): Drill {
  return drill;
}
