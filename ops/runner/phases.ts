import type { CallsReport } from "../../common/calls.ts";
import type { Drill, DrillContext, Observation } from "../drills/define-drill.ts";
import { runnerLives } from "../record/runner-lives.ts";
import type { Stack } from "../stack/open-stack.ts";
import { pause } from "../wait/pause.ts";
import { until } from "../wait/until.ts";
import type { DrillOptions, DrillResult } from "./result.ts";
import type { StackAccess } from "./stack-access.ts";
import { explain, judge } from "./verdict.ts";

/** Time of the callers before the injection, ms. */
export const baselineMs = 3_000;
/** A signal counts as lost 5 s after it was sent, so the watch continues for that time. */
const settleMs = 6_000;
const silentWithinMs = 120_000;
const callsWithinMs = 40_000;
const injectedWithinMs = 10_000;
const rollbackWithinMs = 90_000;
/** Pause between two checks of the recovery, ms. It is the resolution of the recovery time. */
const askEveryMs = 200;

/** A drill in progress. Each phase adds to it. */
export interface Run {
  stack: Stack;
  drill: Drill;
  options: DrillOptions;
  access: StackAccess;
  progress: ReturnType<StackAccess["progress"]>;
  /** The callers' run. */
  callers: string;
  /** The data of the report. Its verdict is the one of a drill that stops now. */
  result: DrillResult;
}

/** The state before an injection, and the observations during it. */
export interface Injection {
  node: string;
  nodes: readonly string[];
  /** Epoch ms. */
  at: number;
  /** The callers' report of the seconds before it. */
  before: CallsReport;
  figures: Record<string, number>;
}

/** A phase that cannot continue. The message has the reason. */
class Stopped extends Error {
  override name = "Stopped";
}

/** Phase 1. Undoes the faults of a killed runner. Returns the reasons why the drill cannot begin. */
export async function gate({ drill, options, access }: Run): Promise<string[]> {
  const { tell, signal } = options;
  const left = access.record.read().drill;
  if (left !== null) {
    if (runnerLives(left)) return [`the drill ${left.drill} runs already (pid ${left.pid})`];
    tell(`the runner of ${left.drill} was killed: undoing its faults`);
    await access.rollBack(left, tell);
  }
  tell("gate: is the stack at steady state?");
  const reasons = await access.unsteady();
  if (reasons.length > 0) return reasons.map((reason) => `${reason} (make heal)`);
  const { alert } = drill;
  if (alert !== undefined) {
    const silent = async () => !(await access.firingAlerts()).includes(alert.name);
    if ((await until(silent, { withinMs: silentWithinMs, signal })) === undefined)
      return [`${alert.name} fires already: its firing would prove nothing`];
  }
  if (options.control === true && drill.control === undefined) return [`${drill.name} has no control by settings`];
  return [];
}

/** Phase 2, only for a negative control. Restarts the stack without the mechanism that the drill proves. */
export async function switchOffControl({ drill, options, access, result }: Run): Promise<void> {
  if (options.control !== true || drill.control === undefined) return;
  options.tell(`control: without ${drill.control.off}`);
  result.typed.push(...(await access.switchOff(drill.control)));
}

/** Phase 3. Places the callers' calls, lets them run for some seconds, and chooses the replica. */
export async function setUpCallers(run: Run): Promise<Injection> {
  const { drill, options, access, progress, callers, result } = run;
  const { seed, signal } = options;
  const control = options.control === true ? drill.control : undefined;
  const request = { run: callers, rate: 20, webrtcEvery: 5, seed, ...drill.calls, ...control?.calls, ...options.calls };
  options.tell(`callers: ${request.calls} calls, two peers each`);
  await progress.phase("setting up its callers");
  await access.placeCalls(request);
  const all = async () => (await access.report(callers, 0)).calls.established === request.calls;
  const set = await until(all, { withinMs: callsWithinMs, signal });
  if (signal.aborted) throw new Stopped("interrupted");
  if (set === undefined) throw new Stopped(`the callers' calls are not all set up within ${callsWithinMs / 1_000} s`);
  await pause(baselineMs, signal);
  if (signal.aborted) throw new Stopped("interrupted");
  const before = await access.report(callers, Date.now() - baselineMs);
  const nodes = [...new Set(before.peers.flatMap(({ node }) => (node === null ? [] : [node])))].sort();
  const node = nodes[seed % nodes.length];
  if (node === undefined) throw new Stopped("no peer is on any replica");
  const at = Date.now();
  Object.assign(result, { node, injectedAt: at });
  return { node, nodes, at, before, figures: {} };
}

/** Phase 4. Injects the fault and waits until it takes effect. */
export async function inject(run: Run, injection: Injection): Promise<void> {
  const { drill, options, progress, result } = run;
  options.tell(`inject: ${drill.name} on ${injection.node}`);
  await progress.phase(`injecting on ${injection.node}`);
  result.verdict = "not-injected";
  const context = contextOf(run, injection);
  await drill.inject(context);
  const shows = await until(() => drill.injected(context), {
    withinMs: injectedWithinMs,
    everyMs: askEveryMs,
    signal: options.signal,
  });
  if (options.signal.aborted) throw new Stopped("interrupted: rolled back, nothing is judged");
  if (shows === undefined) throw new Stopped(`the injection took no effect within ${injectedWithinMs / 1_000} s`);
}

/** Phase 5. Watches until the stack has recovered, and then until all losses and the alert are known. */
export async function watch(run: Run, injection: Injection): Promise<void> {
  const { drill, options, progress, result } = run;
  const { tell, signal } = options;
  result.verdict = "deviated";
  tell("injected; watching until recovered");
  await progress.phase("broken; watching until recovered");
  const context = contextOf(run, injection);
  const recovered = await until(() => drill.recovered(context), {
    withinMs: drill.deadlineMs,
    everyMs: askEveryMs,
    signal,
  });
  if (recovered === true) result.recoveredAt = Date.now();
  tell(recovered === true ? `recovered ${Date.now() - injection.at} ms after the injection` : "not recovered in time");
  await progress.phase(recovered === true ? "recovered; counting what was lost" : "not recovered in time");
  await pause(settleMs, signal);
  const { alert } = drill;
  if (alert !== undefined)
    await until(() => result.alerts.some(({ name }) => name === alert.name), {
      withinMs: Math.max(0, injection.at + alert.withinMs - Date.now()),
      signal,
    });
  await drill.finish?.(context);
  if (!signal.aborted) return;
  result.verdict = "unmet";
  throw new Stopped("interrupted: rolled back, nothing is judged");
}

/** Phase 6. Compares the observation with the drill's expectations. */
export async function judgeRun(run: Run, injection: Injection): Promise<void> {
  const { drill, access, callers, result } = run;
  const seen = observationOf(run, injection, await access.report(callers, injection.at));
  result.expectations = judge(drill, seen);
  result.reasons.push(...explain(drill, seen, result.expectations));
  if (result.recoveredAt === null) result.reasons.push(`not recovered within ${drill.deadlineMs / 1000} s`);
  result.calls = await access.report(callers, injection.at - baselineMs);
  if (result.reasons.length === 0 && result.expectations.every(({ ok }) => ok)) result.verdict = "passed";
}

/**
 * Phase 7 runs after any outcome of the others. Undoes the drill. If the stack is not steady afterwards, the verdict
 * says so.
 */
export async function restore({ options, access, progress, result }: Run): Promise<void> {
  options.tell("rollback");
  await progress.phase("rolling back");
  try {
    const mine = access.record.read().drill;
    if (mine !== null) await inTime(access.rollBack(mine, (line) => options.tell(`  ${line}`)));
    const remains = await access.unsteady();
    if (remains.length === 0) return;
    result.reasons.push(...remains);
  } catch (error) {
    result.reasons.push((error as Error).message);
  }
  result.verdict = "not-restored";
}

/** The drill's observation so far. */
export function observationOf(
  { stack, result }: Pick<Run, "stack" | "result">,
  injection: Injection,
  after: CallsReport,
): Observation {
  const { app } = stack.layout;
  const { node, at, before, figures } = injection;
  return {
    node,
    injectedAt: at,
    peersBefore: before.peers,
    before,
    after,
    figures,
    replicaMetrics: app === undefined || app.metricsPath !== undefined,
    alertsMs: Object.fromEntries(result.alerts.map(({ name, from }) => [name, from - at])),
    recoveredMs: (result.recoveredAt ?? Number.POSITIVE_INFINITY) - at,
  };
}

function contextOf({ stack, options, access, callers, result }: Run, injection: Injection): DrillContext {
  const { node, nodes, at, figures } = injection;
  const typed = (command: string) => {
    result.typed.push(command);
    options.tell(`$ ${command}`);
  };
  return {
    stack,
    node,
    others: nodes.filter((other) => other !== node),
    signal: options.signal,
    act: async (action, target, verbOptions) => typed(await access.act(action, target, verbOptions)),
    typed,
    calls: () => access.report(callers, at),
    replicas: access.replicas,
    stateOf: async (id) => (await access.replicas()).find((row) => row.id === id)?.state ?? "unknown",
    figures,
    figure: (name, value) => {
      figures[name] = value;
    },
  };
}

/** @throws Error if the rollback takes too long */
async function inTime(rollback: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<never>();
  const late = new Error(`the rollback took over ${rollbackWithinMs / 1_000} s: make heal`);
  const timer = setTimeout(() => over.reject(late), rollbackWithinMs);
  try {
    await Promise.race([rollback, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
