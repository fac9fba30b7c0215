import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CallsReport } from "../../common/calls.ts";
import type { Drill } from "../../ops/drills/define-drill.ts";
import { drills } from "../../ops/drills/drills.ts";
import { writeReport } from "../../ops/report/write.ts";
import type { DrillResult } from "../../ops/runner/result.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { askAdmin } from "../../ops/stack/http.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { useDrillStack } from "./drill-stack.ts";

const drillStack = useDrillStack();

function run(name: string, calls: Partial<Drill["calls"]> = {}): Promise<DrillResult> {
  const drill = drills.find((one) => one.name === name);
  if (drill === undefined) throw new Error(`no drill ${name}`);
  return runDrill(drillStack(), drill, { seed: 1, calls, signal: new AbortController().signal, tell: () => undefined });
}

/** The failed expectations as text, for the message of a failed test. */
const deviations = ({ expectations, reasons }: DrillResult) => [
  ...reasons,
  ...expectations.filter(({ ok }) => !ok).map(({ name, measured, bound }) => `${name}: ${measured} (${bound})`),
];

for (const name of ["kill-node", "freeze-node", "drain-node", "redis-kill"])
  test(`${name} passes, and leaves the stack at steady state`, async () => {
    const result = await run(name);
    expect(deviations(result)).toEqual([]);
    expect(result.verdict).toBe("passed");
    expect(await unsteady(drillStack())).toEqual([]);
  });

test("the report's figures agree with the metrics of the proxy and the callers", async () => {
  const { callerAdmin, proxyAdmin } = drillStack().engine.endpoints;
  const counted = async () => ({
    sent: await readMetric({ adminUrl: callerAdmin }, "caller_signals_sent_total"),
    received: await readMetric({ adminUrl: callerAdmin }, "caller_signals_received_total"),
    reconnects: await readMetric({ adminUrl: callerAdmin }, "caller_reconnect_seconds_count"),
    dead: await readMetric({ adminUrl: proxyAdmin }, "proxy_replica_ejections_total"),
  });
  const before = await counted();
  const result = await run("kill-node");
  const after = await counted();
  const { calls } = result;
  expect(calls).not.toBeNull();
  expect(after.reconnects - before.reconnects).toBe(calls?.reconnectMs.count);
  expect(calls?.peers.filter(({ socketsLost }) => socketsLost > 0).length).toBe(calls?.reconnectMs.count);
  expect(after.dead - before.dead).toBe(1);
  // The run continues for a moment after its report.
  expect(after.sent - before.sent).toBeGreaterThanOrEqual(calls?.signals.sent ?? Number.NaN);
  expect(after.received - before.received).toBeGreaterThanOrEqual(calls?.signals.received ?? Number.NaN);
  const folder = writeReport(drillStack().root, result);
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  expect(JSON.parse(text("report.json"))).toMatchObject({
    verdict: "passed",
    expectations: [{ ok: true }, {}, {}, {}, {}, {}],
  });
  expect(text("junit.xml")).toMatch(/failures="0"/);
  expect(text("report.md")).toContain(result.claim);
  expect(text("report.html")).not.toMatch(/\b(src|href)=|url\((?!#)|fetch\(|<link/);
});

test.for([
  ["sets callers up", "callers: "],
  ["injects", "inject: "],
  ["watches", "injected"],
  ["rolls back", "rollback"],
])("heal undoes the faults of a runner that is killed while it %s", async ([, phase]) => {
  const runner = spawn("node", ["ops/cli.ts", "drill", "freeze-node", "--calls", "10"], {
    cwd: drillStack().root,
    env: { ...process.env, STACK: drillStack().name },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // It may end by itself before it is killed.
  const ended = once(runner, "exit");
  let text = "";
  runner.stdout.on("data", (chunk) => {
    text += chunk;
  });
  await until(`it says ${phase}`, () => text.includes(phase as string), { withinMs: 60_000 });
  runner.kill("SIGKILL");
  await ended;
  if (phase === "injected") expect(await unsteady(drillStack())).not.toEqual([]);
  const healing = spawn("node", ["ops/cli.ts", "chaos", "heal"], {
    cwd: drillStack().root,
    env: { ...process.env, STACK: drillStack().name },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(healing, "exit");
  expect(code).toBe(0);
  expect(await unsteady(drillStack())).toEqual([]);
  expect(await askAdmin<{ runs: string[] }>(`${drillStack().engine.endpoints.callerAdmin}/calls`)).toEqual({
    runs: [],
  });
});

test("kill-node holds with 200 calls: no peer waits over 5 s, media never stops", async () => {
  const result = await run("kill-node", { calls: 200 });
  expect(deviations(result)).toEqual([]);
  const { calls } = result as { calls: CallsReport };
  expect(calls.peers.length).toBe(400);
  expect(calls.media).toMatchObject({ connected: 40, interruptions: 0 });
});

test("storm holds with 2,000 clients: all are back in 10 s, no replica's event loop is delayed by 200 ms", async () => {
  const calls = { calls: 1_000, rate: 60, signalsPerSecond: 0.2, webrtcEvery: 100 };
  const result = await run("storm", calls);
  expect(deviations(result)).toEqual([]);
  expect(result.calls?.peers.length).toBe(2_000);
});
