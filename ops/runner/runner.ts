import { newRunId } from "../../common/calls.ts";
import type { Drill } from "../drills/define-drill.ts";
import type { Stack } from "../stack/open-stack.ts";
import { undoControl } from "./control.ts";
import { startMonitors } from "./monitors.ts";
import { gate, inject, judgeRun, type Run, restore, setUpCallers, switchOffControl, watch } from "./phases.ts";
import type { DrillOptions, DrillResult } from "./result.ts";
import { accessTo, type StackAccess } from "./stack-access.ts";

/**
 * Carries out one drill, phase by phase. Whatever happens after the gate, the drill is rolled back.
 *
 * @param access the runner's operations on the stack
 */
export async function runDrill(
  stack: Stack,
  given: Drill,
  options: DrillOptions,
  access: StackAccess = accessTo(stack),
): Promise<DrillResult> {
  const drill = forEngine(stack.layout.app === undefined ? given : forApp(given), stack.engine.name);
  const result = newResult(stack, drill, options);
  const run: Run = { stack, drill, options, access, progress: access.progress(drill), callers: newRunId(), result };
  const obstacles = await gate(run);
  if (obstacles.length > 0) {
    result.reasons.push(...obstacles);
    return Object.assign(result, { endedAt: Date.now() });
  }
  // The record comes before the first change. The next command after a killed runner undoes it, and ends its callers.
  await noteOnRecord(run);
  try {
    await switchOffControl(run);
    const injection = await setUpCallers(run);
    const monitors = startMonitors(run, injection);
    try {
      await inject(run, injection);
      await watch(run, injection);
    } finally {
      await monitors.close();
    }
    await judgeRun(run, injection);
  } catch (error) {
    // The rollback must still run. The error becomes part of the result.
    result.reasons.push((error as Error).message);
  }
  await restore(run);
  return Object.assign(result, { endedAt: Date.now() });
}

/** The drill without an alert that this engine does not wait for. */
function forEngine(drill: Drill, engine: Stack["engine"]["name"]): Drill {
  const { alert, ...rest } = drill;
  return alert?.engines === undefined || alert.engines.includes(engine) ? drill : rest;
}

function forApp(drill: Drill): Drill {
  return drill.appControl === undefined ? drill : { ...drill, control: drill.appControl };
}

async function noteOnRecord({ drill, options, access, callers }: Run): Promise<void> {
  const control = options.control === true ? drill.control : undefined;
  const undo = [...drill.undo, ...(control === undefined ? [] : undoControl(await access.replicas(), control))];
  access.record.beginDrill({ drill: drill.name, pid: process.pid, run: callers, undo });
}

function newResult(stack: Stack, drill: Drill, options: DrillOptions): DrillResult {
  return {
    drill: drill.name,
    claim: drill.claim,
    verdict: "unmet",
    reasons: [],
    expectations: [],
    control: options.control === true ? (drill.control?.off ?? null) : null,
    engine: stack.engine.name,
    stack: stack.engine.stack,
    seed: options.seed,
    node: "",
    startedAt: Date.now(),
    injectedAt: null,
    recoveredAt: null,
    endedAt: 0,
    typed: [],
    alerts: [],
    calls: null,
    runbook: drill.runbook,
    dashboard: drill.dashboard,
    teaches: drill.teaches,
  };
}
