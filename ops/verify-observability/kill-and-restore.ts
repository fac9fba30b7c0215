import { runAction } from "../chaos/actions.ts";
import { alertsReceived, awaitAlert } from "../stack/alerts-received.ts";
import { awaitCalls } from "../stack/await-calls.ts";
import { changeAdmin } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { pause } from "../wait/pause.ts";
import type { Checked, Finding } from "./finding.ts";

/** Longest time of an alert from its cause to the webhook, and from its end, ms. */
const withinMs = 30_000;
/** Minimum downtime of the replica, ms, so that rates over half a minute show it. */
const awayMs = 25_000;
const mark = "verify-observability";
const target = "signaling-2";
const calls = 20;
/** Alerts about lateness. */
const ofTheMachine = new Set(["SignalingRelaySlow", "SignalingEventLoopLag"]);

/**
 * Holds calls, kills a replica, waits for its alert at the webhook, starts it again, and waits for the end of the
 * alert. Checks that both arrive in time and name the replica, and that no other alert fires.
 */
export async function killAndRestore({ stack, print }: { stack: Stack; print(line: string): void }): Promise<Checked> {
  const { callerAdmin } = stack.engine.endpoints;
  const findings: Finding[] = [];
  const { run } = await changeAdmin<{ run: string }>(stack.engine.endpoints, "POST", `${callerAdmin}/calls`, {
    calls,
    rate: 20,
  });
  await changeAdmin(stack.engine.endpoints, "PUT", `${callerAdmin}/marks/drill/${mark}`, {});
  try {
    await awaitCalls(callerAdmin, run, calls);
    // Waits for two scrapes of the steady state, because rates need both.
    await pause(12_000);
    const killedAt = Date.now();
    await runAction(stack, "kill", target);
    const expected = { name: "SignalingReplicaDown", labels: { replica: target }, withinMs };
    const fired = await awaitAlert(callerAdmin, { ...expected, status: "firing", since: killedAt });
    if (fired === undefined)
      findings.push(`SignalingReplicaDown for ${target} did not reach the webhook within ${withinMs / 1000} s`);
    else print(`SignalingReplicaDown reached the webhook ${seconds(fired.at - killedAt)} after the kill`);
    await pause(Math.max(0, killedAt + awayMs - Date.now()));

    const startedAt = Date.now();
    await runAction(stack, "start", target);
    const resolved = await awaitAlert(callerAdmin, { ...expected, status: "resolved", since: startedAt });
    if (fired !== undefined && resolved === undefined)
      findings.push(`SignalingReplicaDown for ${target} was not resolved within ${withinMs / 1000} s of its start`);
    if (resolved !== undefined) print(`resolved ${seconds(resolved.at - startedAt)} after the start began`);

    // On a busy machine these alerts fire with or without a kill. They are reported and are no finding.
    const others = (await alertsReceived(callerAdmin, killedAt)).filter(
      ({ status, labels }) => status === "firing" && labels["alertname"] !== "SignalingReplicaDown",
    );
    for (const { labels, annotations } of others) {
      const name = labels["alertname"] ?? "";
      if (ofTheMachine.has(name)) print(`this machine is busy: ${name}: ${annotations["summary"]}`);
      else findings.push(`noise: ${name} fired too: ${annotations["summary"]}`);
    }
  } finally {
    const ended = await Promise.allSettled([
      changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/marks/drill/${mark}`, {}),
      changeAdmin(stack.engine.endpoints, "DELETE", `${callerAdmin}/calls/${run}`, {}, 10_000),
    ]);
    for (const end of ended) if (end.status === "rejected") findings.push(`not cleaned up: ${end.reason}`);
  }
  return { what: "alerts expected were delivered and resolved, and no other", count: 1, findings };
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
