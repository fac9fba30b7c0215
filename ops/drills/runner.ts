import type { CallsReport } from "../../common/calls.ts";
import { runAction } from "../chaos/actions.ts";
import { callAdmin, HttpError } from "../http.ts";
import type { Stack } from "../open-stack.ts";
import { pause } from "../pause.ts";
import { createPrometheus } from "../prometheus.ts";
import { replicaTable } from "../replica-table.ts";
import type { Drill, DrillContext, Observation } from "./define-drill.ts";
import { drillRecord, rollBack, runnerLives } from "./rollback.ts";
import { unsteady } from "./steady.ts";
import { type Judged, judge, type Verdict } from "./verdict.ts";

export interface DrillOptions {
  seed: number;
  /** Laid over the drill's own callers. */
  calls?: Partial<Drill["calls"]>;
  signal: AbortSignal;
  /** The live view: one line a phase, and one a second while it is watched. */
  tell(line: string): void;
}

/** All that a report is made of. */
export interface DrillResult {
  drill: string;
  claim: string;
  verdict: Verdict;
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
  alerts: { name: string; from: number; to: number }[];
  calls: CallsReport | null;
  runbook: string;
  dashboard: string;
  teaches: string;
}

const baselineMs = 3_000;
/** A signal counts as lost 5 s after it was sent: the watch goes on for that long. */
const settleMs = 6_000;
const rollbackWithinMs = 90_000;

/** Carries out one drill, from the gate to the rollback; whatever happens in between, the rollback is done. */
export async function runDrill(stack: Stack, drill: Drill, options: DrillOptions): Promise<DrillResult> {
  const { tell, signal, seed } = options;
  const { callerAdmin, proxyAdmin, prometheus } = stack.engine.endpoints;
  const record = drillRecord(stack);
  const result: DrillResult = {
    ...{ drill: drill.name, claim: drill.claim, verdict: "unmet", reasons: [], expectations: [] },
    ...{ engine: stack.engine.name, stack: stack.engine.stack, seed, node: "", startedAt: Date.now() },
    ...{ injectedAt: null, recoveredAt: null, endedAt: 0, typed: [], alerts: [], calls: null },
    ...{ runbook: drill.runbook, dashboard: drill.dashboard, teaches: drill.teaches },
  };
  const end = (verdict: Verdict, ...reasons: string[]): DrillResult => {
    result.reasons.push(...reasons);
    return Object.assign(result, { verdict, endedAt: Date.now() });
  };

  const left = record.read();
  if (left !== undefined) {
    if (runnerLives(left)) return end("unmet", `the drill ${left.drill} runs already (pid ${left.pid})`);
    tell(`the runner of ${left.drill} was killed: undoing what it left`);
    await rollBack(stack, left, tell);
  }
  tell("gate: is the stack at steady state?");
  const reasons = await unsteady(stack);
  if (reasons.length > 0) return end("unmet", ...reasons.map((reason) => `${reason} (make heal)`));
  const metrics = createPrometheus(prometheus);
  const firing = async (): Promise<string[]> => {
    try {
      return (await metrics.alerts())
        .filter(({ state }) => state === "firing")
        .map(({ labels }) => labels["alertname"] ?? "");
    } catch (error) {
      if (error instanceof HttpError) return [];
      throw error;
    }
  };
  if (drill.alert !== undefined) {
    const deadline = Date.now() + 120_000;
    while ((await firing()).includes(drill.alert.name) && Date.now() < deadline && !signal.aborted)
      await pause(1_000, signal);
    if ((await firing()).includes(drill.alert.name))
      return end("unmet", `${drill.alert.name} fires already: its firing would prove nothing`);
  }

  record.write({ drill: drill.name, pid: process.pid, run: null, undo: drill.undo });
  let verdict: Verdict = "unmet";
  try {
    const request = { rate: 20, webrtcEvery: 5, seed, ...drill.calls, ...options.calls };
    tell(`callers: ${request.calls} calls, two peers each`);
    await callAdmin("PUT", `${callerAdmin}/marks/drill/${drill.name}`, {});
    const { run } = await callAdmin<{ run: string }>("POST", `${callerAdmin}/calls`, request);
    record.write({ drill: drill.name, pid: process.pid, run, undo: drill.undo });
    const report = (since = 0) =>
      callAdmin<CallsReport>("GET", `${callerAdmin}/calls/${run}?since=${since}`, undefined, 10_000);
    if (!(await untilTrue(async () => (await report()).calls.established === request.calls, 40_000, signal)))
      throw new Unmet("the callers' calls are not all set up within 40 s");
    await pause(baselineMs, signal);
    if (signal.aborted) throw new Unmet("interrupted");
    const baseline = await report(Date.now() - baselineMs);
    const nodes = [...new Set(baseline.peers.flatMap(({ node }) => (node === null ? [] : [node])))].sort();
    const node = nodes[seed % nodes.length];
    if (node === undefined) throw new Unmet("no peer is on any replica");
    result.node = node;

    const injectedAt = Date.now();
    result.injectedAt = injectedAt;
    const figures: Record<string, number> = {};
    const context: DrillContext = {
      ...{ stack, node, others: nodes.filter((other) => other !== node), signal },
      async act(action, target, verbOptions) {
        const { typed } = await runAction(stack, action, target, verbOptions);
        result.typed.push(typed);
        tell(`$ ${typed}`);
      },
      figures,
      typed: (command) => result.typed.push(command),
      calls: () => report(injectedAt),
      replicas: () => replicaTable(proxyAdmin),
      stateOf: async (id) => (await replicaTable(proxyAdmin)).find((row) => row.id === id)?.state ?? "unknown",
      figure: (name, value) => {
        figures[name] = value;
      },
    };
    tell(`inject: ${drill.name} on ${node}`);
    verdict = "not-injected";
    // The alert is looked for while the injection still goes on, too.
    const alertsMs: Record<string, number> = {};
    const over = new AbortController();
    const watching = watchAlerts();
    try {
      await drill.inject(context);
      if (!(await untilTrue(() => drill.injected(context), 10_000, signal)))
        throw new Unmet("the injection took no effect within 10 s");
      verdict = "deviated";
      tell("injected; watching until recovered");
      const recovered = await untilTrue(() => drill.recovered(context), drill.deadlineMs, signal, live);
      if (recovered) result.recoveredAt = Date.now();
      tell(recovered ? `recovered ${Date.now() - injectedAt} ms after the injection` : "not recovered in time");
      await pause(settleMs, signal);
      const { alert } = drill;
      if (alert !== undefined)
        await untilTrue(
          async () => alertsMs[alert.name] !== undefined,
          Math.max(0, injectedAt + alert.withinMs - Date.now()),
          signal,
        );
    } finally {
      over.abort();
      await watching;
    }
    if (signal.aborted) throw new Unmet("interrupted: rolled back, nothing is judged");
    const after = await report(injectedAt);
    const seen: Observation = {
      ...{ node, injectedAt, peersBefore: baseline.peers, before: baseline, after, alertsMs, figures },
      recoveredMs: (result.recoveredAt ?? Number.POSITIVE_INFINITY) - injectedAt,
    };
    result.expectations = judge(drill, seen);
    if (result.recoveredAt === null) result.reasons.push(`not recovered within ${drill.deadlineMs / 1000} s`);
    verdict = result.reasons.length === 0 && result.expectations.every(({ ok }) => ok) ? "passed" : "deviated";
    result.calls = await report(injectedAt - baselineMs);

    async function live(): Promise<void> {
      const { peers, signals } = await report(injectedAt);
      const on = nodes.map((id) => `${id.slice(-1)}:${peers.filter((peer) => peer.node === id).length}`).join(" ");
      const out = peers.filter(({ state }) => state !== "joined").length;
      tell(`  peers ${on} · reconnecting ${out} · lost ${signals.lost} · ${Object.keys(alertsMs).join(" ")}`);
    }
    async function watchAlerts(): Promise<void> {
      while (!over.signal.aborted) {
        const now = Date.now();
        for (const name of new Set(await firing())) {
          alertsMs[name] ??= now - injectedAt;
          const band = result.alerts.find((alert) => alert.name === name);
          if (band === undefined) result.alerts.push({ name, from: now, to: now });
          else band.to = now;
        }
        await pause(1_000, over.signal);
      }
    }
  } catch (error) {
    // What the drill met on its way is its result; the rollback comes first.
    result.reasons.push((error as Error).message);
    if (verdict === "passed") verdict = "deviated";
  }
  tell("rollback");
  try {
    const mine = record.read();
    if (mine !== undefined)
      await within(
        rollBack(stack, mine, (line) => tell(`  ${line}`)),
        rollbackWithinMs,
      );
    const remains = await unsteady(stack);
    if (remains.length > 0) return end("not-restored", ...remains);
  } catch (error) {
    return end("not-restored", (error as Error).message);
  }
  return end(verdict);
}

/** A step that cannot go on; the message says why. */
class Unmet extends Error {
  override name = "Unmet";
}

/** Asks until it is true or `withinMs` is over; an endpoint that does not answer is asked again. */
async function untilTrue(
  ask: () => Promise<boolean>,
  withinMs: number,
  signal: AbortSignal,
  eachSecond?: () => Promise<void>,
): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  for (let round = 0; !signal.aborted; round += 1) {
    try {
      if (await ask()) return true;
      if (round % 5 === 0) await eachSecond?.();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    if (Date.now() > deadline) return false;
    await pause(200, signal);
  }
  return false;
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => over.reject(new Error(`the rollback took over ${ms / 1000} s: make heal`)), ms);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
