import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CallsReport } from "../../common/calls.ts";
import type { Drill } from "../drills/define-drill.ts";
import { openRecord } from "../record/record.ts";
import { HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { ReplicaRow } from "../stack/replica-table.ts";
import type { DrillOptions, DrillResult } from "./result.ts";
import { runDrill } from "./runner.ts";
import type { StackAccess } from "./stack-access.ts";

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

const stack = { engine: { name: "process", stack: "fake" }, layout: {} } as unknown as Stack;

/** A stack in memory: its answers, and the actions on it. */
function fakeStack(given: Partial<StackAccess> = {}) {
  const done: string[] = [];
  const record = openRecord(mkdtempSync(join(tmpdir(), "runner-")));
  const peers = ["signaling-1", "signaling-2"].map((node) => ({ node, state: "joined", outages: [], socketsLost: 0 }));
  const access: StackAccess = {
    record,
    unsteady: async () => [],
    replicas: async () => ["signaling-1", "signaling-2"].map((id) => ({ id, state: "ready" }) as ReplicaRow),
    firingAlerts: async () => [],
    act: async (action, target) => {
      done.push(`${action} ${target}`);
      return `kill -9 ${target}`;
    },
    switchOff: async ({ off }) => {
      done.push(`without ${off}`);
      return [];
    },
    placeCalls: async ({ calls }) => void done.push(`${calls} calls`),
    report: async () =>
      ({
        calls: { established: 30, failed: 0 },
        peers,
        signals: { received: 10, lost: 0 },
        capabilities: { signals: true, media: true },
      }) as unknown as CallsReport,
    progress: () => ({ phase: async () => undefined, observe: async () => undefined }),
    rollBack: async ({ drill }) => {
      done.push(`rolled back ${drill}`);
      record.endDrill();
    },
    ...given,
  };
  return { access, done, record };
}

const drill: Drill = {
  name: "kill-node",
  claim: "it holds",
  engines: ["process"],
  calls: { calls: 30 },
  undo: [{ do: "heal" }],
  inject: ({ act, node }) => act("kill", node),
  injected: async () => true,
  recovered: async () => true,
  deadlineMs: 20_000,
  expect: [{ name: "figure", unit: "", bound: { max: 1 }, measure: () => 1 }],
  control: { off: "joining again" },
  runbook: "R",
  dashboard: "D",
  teaches: "T",
};

/** Runs a drill to its end, its minutes as fast as they can be computed. */
async function outcome(
  { access }: Pick<ReturnType<typeof fakeStack>, "access">,
  changes: Partial<Drill> = {},
  options: Partial<DrillOptions> = {},
): Promise<DrillResult> {
  const signal = new AbortController().signal;
  const running = runDrill(
    stack,
    { ...drill, ...changes },
    { seed: 1, signal, tell: () => undefined, ...options },
    access,
  );
  let over = false;
  const mark = () => {
    over = true;
  };
  running.then(mark, mark);
  for (let n = 0; n < 3_000 && !over; n += 1) await vi.advanceTimersByTimeAsync(100);
  return running;
}

test("a drill that holds passes: callers, injection, recovery, rollback, in that order", async () => {
  const fake = fakeStack();
  const result = await outcome(fake);
  expect(result).toMatchObject({ verdict: "passed", reasons: [], node: "signaling-2", typed: ["kill -9 signaling-2"] });
  expect(fake.done).toEqual(["30 calls", "kill signaling-2", "rolled back kill-node"]);
  expect(result.recoveredAt).not.toBeNull();
  // Three seconds before the injection, six after the recovery.
  expect(result.endedAt - result.startedAt).toBeGreaterThanOrEqual(9_000);
  expect(fake.record.read().drill).toBeNull();
});

test("a stack that is not steady is not changed", async () => {
  const fake = fakeStack({ unsteady: async () => ["redis is stopped"] });
  expect(await outcome(fake)).toMatchObject({ verdict: "unmet", reasons: ["redis is stopped (make heal)"] });
  expect(fake.done).toEqual([]);
});

test("an alert that already fires is waited for, and then the drill is unmet", async () => {
  const fake = fakeStack({ firingAlerts: async () => ["ProxyDown"] });
  const result = await outcome(fake, { alert: { name: "ProxyDown", withinMs: 5_000 } });
  expect(result).toMatchObject({ verdict: "unmet", reasons: [expect.stringContaining("ProxyDown fires already")] });
  expect(result.endedAt - result.startedAt).toBeGreaterThanOrEqual(120_000);
});

test("callers that are not set up within 40 s end the drill before the injection", async () => {
  const fake = fakeStack();
  const few = async () => ({ ...(await fakeStack().access.report("", 0)), calls: { established: 29 } }) as CallsReport;
  const result = await outcome({ access: { ...fake.access, report: few } });
  expect(result).toMatchObject({ verdict: "unmet", injectedAt: null });
  expect(fake.done).toEqual(["30 calls", "rolled back kill-node"]);
});

test("an injection without effect within 10 s is rolled back, and the verdict is not-injected", async () => {
  const fake = fakeStack();
  const result = await outcome(fake, { injected: async () => false });
  expect(result).toMatchObject({
    verdict: "not-injected",
    reasons: [expect.stringContaining("no effect within 10 s")],
  });
  expect(fake.done.at(-1)).toBe("rolled back kill-node");
});

test("a missing recovery and a missed bound are deviations", async () => {
  const late = await outcome(fakeStack(), { recovered: async () => false });
  expect(late).toMatchObject({ verdict: "deviated", recoveredAt: null, reasons: ["not recovered within 20 s"] });
  const over = [{ name: "figure", unit: "" as const, bound: { max: 1 }, measure: () => 2 }];
  expect(await outcome(fakeStack(), { expect: over })).toMatchObject({ verdict: "deviated", reasons: [] });
});

test("an endpoint that does not answer for a while is polled again", async () => {
  let asked = 0;
  const recovered = async () => {
    asked += 1;
    if (asked < 4) throw new HttpError("GET http://caller failed");
    return true;
  };
  expect(await outcome(fakeStack(), { recovered })).toMatchObject({ verdict: "passed" });
  expect(asked).toBe(4);
});

test("an error of the injection is the reason, and the drill is rolled back", async () => {
  const fake = fakeStack({ act: () => Promise.reject(new Error("kill failed")) });
  expect(await outcome(fake)).toMatchObject({ verdict: "not-injected", reasons: ["kill failed"] });
  expect(fake.done.at(-1)).toBe("rolled back kill-node");
});

test('a stack that is not steady after the rollback gives "not restored"', async () => {
  let asked = 0;
  const fake = fakeStack({
    unsteady: async () => {
      asked += 1;
      return asked === 1 ? [] : ["redis is stopped"];
    },
  });
  expect(await outcome(fake)).toMatchObject({ verdict: "not-restored", reasons: ["redis is stopped"] });
});

test("a hanging rollback times out after 90 s", async () => {
  const result = await outcome(fakeStack({ rollBack: () => new Promise(() => undefined) }));
  expect(result).toMatchObject({ verdict: "not-restored", reasons: ["the rollback took over 90 s: make heal"] });
});

test("Ctrl-C rolls the drill back without a verdict", async () => {
  const fake = fakeStack();
  const interrupt = new AbortController();
  const recovered = async () => {
    interrupt.abort();
    return false;
  };
  const result = await outcome(fake, { recovered }, { signal: interrupt.signal });
  expect(result).toMatchObject({ verdict: "unmet", expectations: [] });
  expect(fake.done.at(-1)).toBe("rolled back kill-node");
});

test("the faults of a killed runner are undone first; a running runner keeps the stack", async () => {
  const fake = fakeStack();
  // No process has this pid: it is above the kernel's highest.
  fake.record.beginDrill({ drill: "storm", pid: 2 ** 22 + 1, run: null, undo: [] });
  expect(await outcome(fake)).toMatchObject({ verdict: "passed" });
  expect(fake.done[0]).toBe("rolled back storm");
  fake.record.beginDrill({ drill: "storm", pid: process.ppid, run: null, undo: [] });
  expect(await outcome(fake)).toMatchObject({
    verdict: "unmet",
    reasons: [expect.stringContaining("storm runs already")],
  });
});

test("a control switches the mechanism off before the callers start, and a restart undoes it", async () => {
  const fake = fakeStack();
  const control = { off: "admission", settings: { proxy: { ADMIT_PER_SECOND: "2" } } };
  let undo: unknown;
  const rollBack: StackAccess["rollBack"] = async (entry) => {
    undo = entry.undo;
  };
  const result = await outcome({ access: { ...fake.access, rollBack } }, { control }, { control: true });
  expect(result.control).toBe("admission");
  expect(fake.done.slice(0, 2)).toEqual(["without admission", "30 calls"]);
  expect(undo).toEqual([{ do: "heal" }, { do: "restart", id: "proxy" }]);
});

test("alerts that fire during the drill are recorded with their first and last moment", async () => {
  const fake = fakeStack({ firingAlerts: async () => (Date.now() > 1_006_000 ? ["SignalingReplicaDown"] : []) });
  const result = await outcome(fake, { alert: { name: "SignalingReplicaDown", withinMs: 45_000 } });
  expect(result).toMatchObject({ verdict: "passed", alerts: [{ name: "SignalingReplicaDown" }] });
  const [band] = result.alerts;
  expect((band?.to ?? 0) - (band?.from ?? 0)).toBeGreaterThanOrEqual(1_000);
});
