import { type CallsReport, newRunId } from "../../common/calls.ts";
import { runAction } from "../chaos/actions.ts";
import type { Drill, DrillContext, Observation } from "../drills/define-drill.ts";
import { askAdmin, changeAdmin } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { createPrometheus } from "../stack/prometheus.ts";
import { replicaTable } from "../stack/replica-table.ts";
import { unsteady } from "../stack/steady.ts";
import { everySecond } from "../wait/every-second.ts";
import { pause } from "../wait/pause.ts";
import { untilTrue, within } from "../wait/until.ts";
import { firingAlerts, noteAlerts } from "./alert-watch.ts";
import { switchOff, undoControl } from "./control.ts";
import { createProgress } from "./progress.ts";
import type { DrillOptions, DrillResult } from "./result.ts";
import { drillRecord, rollBack, runnerLives } from "./rollback.ts";
import { judge, type Verdict } from "./verdict.ts";

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
    drill: drill.name,
    claim: drill.claim,
    verdict: "unmet",
    reasons: [],
    expectations: [],
    control: options.control === true ? (drill.control?.off ?? null) : null,
    engine: stack.engine.name,
    stack: stack.engine.stack,
    seed,
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
  if (drill.alert !== undefined) {
    const { name } = drill.alert;
    const silent = async () => !(await firingAlerts(metrics)).includes(name);
    if (!(await untilTrue(silent, 120_000, signal)))
      return end("unmet", `${name} fires already: its firing would prove nothing`);
  }

  const control = options.control === true ? drill.control : undefined;
  if (options.control === true && control === undefined)
    return end("unmet", `${drill.name} has no control by settings`);
  const undo = [...drill.undo, ...(control === undefined ? [] : undoControl(await replicaTable(proxyAdmin), control))];
  // Named here and on record first: callers that a killed runner had just asked for are ended too.
  const run = newRunId();
  record.write({ drill: drill.name, pid: process.pid, run, undo });
  let verdict: Verdict = "unmet";
  const progress = createProgress(stack, drill);
  try {
    if (control !== undefined) {
      tell(`control: without ${control.off}`);
      result.typed.push(...(await switchOff(stack, control)));
    }
    const request = { run, rate: 20, webrtcEvery: 5, seed, ...drill.calls, ...control?.calls, ...options.calls };
    tell(`callers: ${request.calls} calls, two peers each`);
    await progress.phase("setting up its callers");
    await changeAdmin(stack.engine.endpoints, "POST", `${callerAdmin}/calls`, request);
    const report = (since = 0) => askAdmin<CallsReport>(`${callerAdmin}/calls/${run}?since=${since}`, 10_000);
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
      stack,
      node,
      others: nodes.filter((other) => other !== node),
      signal,
      async act(action, target, verbOptions) {
        const { typed } = await runAction(stack, action, target, verbOptions);
        result.typed.push(typed);
        tell(`$ ${typed}`);
      },
      figures,
      typed(command) {
        result.typed.push(command);
        tell(`$ ${command}`);
      },
      calls: () => report(injectedAt),
      replicas: () => replicaTable(proxyAdmin),
      stateOf: async (id) => (await replicaTable(proxyAdmin)).find((row) => row.id === id)?.state ?? "unknown",
      figure: (name, value) => {
        figures[name] = value;
      },
    };
    tell(`inject: ${drill.name} on ${node}`);
    await progress.phase(`injecting on ${node}`);
    verdict = "not-injected";
    // From now on: what fires while the injection still goes on counts.
    const alerts = everySecond(() => noteAlerts(metrics, result.alerts));
    let seenReceived = 0;
    const showing = everySecond(show);
    const ticking = everySecond(async () => progress.observe(seenSoFar(await report(injectedAt))));
    try {
      await drill.inject(context);
      if (!(await untilTrue(() => drill.injected(context), 10_000, signal)))
        throw new Unmet("the injection took no effect within 10 s");
      verdict = "deviated";
      tell("injected; watching until recovered");
      await progress.phase("broken; watching until recovered");
      const recovered = await untilTrue(() => drill.recovered(context), drill.deadlineMs, signal);
      if (recovered) result.recoveredAt = Date.now();
      tell(recovered ? `recovered ${Date.now() - injectedAt} ms after the injection` : "not recovered in time");
      await progress.phase(recovered ? "recovered; counting what was lost" : "not recovered in time");
      await pause(settleMs, signal);
      const { alert } = drill;
      if (alert !== undefined)
        await untilTrue(
          async () => result.alerts.some(({ name }) => name === alert.name),
          Math.max(0, injectedAt + alert.withinMs - Date.now()),
          signal,
        );
      await drill.finish?.(context);
    } finally {
      await Promise.all([alerts.close(), showing.close(), ticking.close()]);
    }
    if (signal.aborted) {
      verdict = "unmet";
      throw new Unmet("interrupted: rolled back, nothing is judged");
    }
    const seen = seenSoFar(await report(injectedAt));
    result.expectations = judge(drill, seen);
    if (result.recoveredAt === null) result.reasons.push(`not recovered within ${drill.deadlineMs / 1000} s`);
    verdict = result.reasons.length === 0 && result.expectations.every(({ ok }) => ok) ? "passed" : "deviated";
    result.calls = await report(injectedAt - baselineMs);

    function seenSoFar(after: CallsReport): Observation {
      return {
        node: result.node,
        injectedAt,
        peersBefore: baseline.peers,
        before: baseline,
        after,
        figures,
        alertsMs: Object.fromEntries(result.alerts.map(({ name, from }) => [name, from - injectedAt])),
        recoveredMs: (result.recoveredAt ?? Number.POSITIVE_INFINITY) - injectedAt,
      };
    }

    async function show(): Promise<void> {
      if (options.show === undefined) return;
      const { peers, signals } = await report(injectedAt);
      const count = (state: (peer: (typeof peers)[number]) => boolean) => peers.filter(state).length;
      options.show({
        sinceMs: Date.now() - injectedAt,
        peers: Object.fromEntries(nodes.map((id) => [id, count((peer) => peer.node === id)])),
        reconnecting: count(({ state }) => state !== "joined"),
        signalsPerSecond: signals.received - seenReceived,
        lost: signals.lost,
        alerts: result.alerts.map(({ name }) => name),
      });
      seenReceived = signals.received;
    }
  } catch (error) {
    // What the drill met on its way is its result; the rollback comes first.
    result.reasons.push((error as Error).message);
    if (verdict === "passed") verdict = "deviated";
  }
  tell("rollback");
  await progress.phase("rolling back");
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
