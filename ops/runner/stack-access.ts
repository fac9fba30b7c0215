import type { CallsReport, CallsRequest } from "../../common/calls.ts";
import { runAction } from "../chaos/actions.ts";
import type { VerbOptions } from "../chaos/verbs.ts";
import type { Control, Drill } from "../drills/define-drill.ts";
import { type BrokenRecord, type DrillEntry, openRecord } from "../record/record.ts";
import { askAdmin, changeAdmin } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { createPrometheus } from "../stack/prometheus.ts";
import { type ReplicaRow, replicaTable } from "../stack/replica-table.ts";
import { unsteady } from "../stack/steady.ts";
import { firingAlerts } from "./alert-watch.ts";
import { switchOff } from "./control.ts";
import { createProgress } from "./progress.ts";
import { rollBack } from "./rollback.ts";

/** The runner's operations on a stack. Tests replace them. */
export interface StackAccess {
  readonly record: BrokenRecord;
  /** The obstacles to the steady state, one line each. */
  unsteady(): Promise<string[]>;
  replicas(): Promise<ReplicaRow[]>;
  firingAlerts(): Promise<string[]>;
  /** Carries out a chaos action. Returns the equivalent command. */
  act(action: string, target: string, options?: VerbOptions): Promise<string>;
  /** Restarts the stack without the mechanism that the drill proves. Returns the equivalent commands. */
  switchOff(control: Control): Promise<string[]>;
  placeCalls(request: Partial<CallsRequest>): Promise<void>;
  /** The callers' report of a run, for signals sent since this time (epoch ms). */
  report(run: string, since: number): Promise<CallsReport>;
  /** Tells the board the drill's progress. */
  progress(drill: Drill): Pick<ReturnType<typeof createProgress>, "phase" | "observe">;
  /** Undoes a drill. @throws Error if the stack is not at steady state afterwards */
  rollBack(entry: DrillEntry, tell: (line: string) => void): Promise<void>;
}

/** The operations on a running stack. */
export function accessTo(stack: Stack): StackAccess {
  const { callerAdmin, prometheus } = stack.engine.endpoints;
  const metrics = createPrometheus(prometheus);
  return {
    record: openRecord(stack.state.dir),
    unsteady: () => unsteady(stack),
    replicas: () => replicaTable(stack.engine.endpoints),
    firingAlerts: () => firingAlerts(metrics),
    act: async (action, target, options) => (await runAction(stack, action, target, options)).typed,
    switchOff: (control) => switchOff(stack, control),
    placeCalls: (request) => changeAdmin(stack.engine.endpoints, "POST", `${callerAdmin}/calls`, request),
    report: (run, since) => askAdmin<CallsReport>(`${callerAdmin}/calls/${run}?since=${since}`, 10_000),
    progress: (drill) => createProgress(stack, drill),
    rollBack: (entry, tell) => rollBack(stack, entry, tell),
  };
}
