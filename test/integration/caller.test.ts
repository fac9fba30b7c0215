import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallsReport, ReceivedAlert } from "../../common/calls.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type Program, startProgram } from "../support/program.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let stack: TestStack;
let caller: Program;
let admin: string;

beforeAll(async () => {
  stack = await startStack();
  const port = await freePort();
  admin = `http://127.0.0.1:${port}`;
  const env = { ADMIN_PORT: String(port), TARGET_URL: stack.proxy.url, CALLS: "0", PROBE_EVERY_MS: "0" };
  caller = startProgram("node", ["services/caller/main.ts"], env);
  await until("the caller is up", async () => (await fetch(`${admin}/healthz`)).ok);
});
afterAll(async () => {
  await caller?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

const json = { "content-type": "application/json" };
const post = (path: string, body: unknown) =>
  fetch(`${admin}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) });
const report = async (run: string, window = ""): Promise<CallsReport> =>
  (await fetch(`${admin}/calls/${run}${window}`)).json() as Promise<CallsReport>;

async function placeCalls(request: object): Promise<string> {
  const { run } = (await (await post("/calls", request)).json()) as { run: string };
  return run;
}

test("calls of every transport are set up, every signal arrives once in order, media flows", async () => {
  const run = await placeCalls({ calls: 12, rate: 50, webrtcEvery: 4, signalsPerSecond: 20 });
  const settled = await until(
    "all calls are established and have talked",
    async () => {
      const now = await report(run);
      return now.calls.established === 12 && now.media.connected === 3 && now.signals.received > 1_000 ? now : null;
    },
    { withinMs: 30_000 },
  );
  expect(settled.signals).toMatchObject({ duplicated: 0, outOfOrder: 0, lost: 0, stale: 0, refused: {} });
  expect(settled.media.interruptions).toBe(0);
  expect(new Set(settled.peers.map(({ transports }) => transports)).size).toBe(3);
  expect(settled.peers.some(({ cookies }) => cookies) && settled.peers.some(({ cookies }) => !cookies)).toBe(true);
  expect(settled.timeline.length).toBeGreaterThan(1);
  const ended = (await (
    await fetch(`${admin}/calls/${run}`, { method: "DELETE", headers: json })
  ).json()) as CallsReport;
  expect(ended.peers.every(({ state }) => state === "ended")).toBe(true);
  expect((await fetch(`${admin}/calls/${run}`)).status).toBe(404);
});

test("a replica killed mid-call: its peers are back within 5 s, the others keep their sockets, media never stops", async () => {
  const run = await placeCalls({ calls: 15, rate: 50, webrtcEvery: 3 });
  const before = await until(
    "all calls are established",
    async () => {
      const now = await report(run);
      return now.calls.established === 15 && now.media.connected === 5 ? now : null;
    },
    { withinMs: 30_000 },
  );
  const victims = before.peers.filter(({ node }) => node === "signaling-2").map(({ call, side }) => `${call}${side}`);
  expect(victims.length).toBeGreaterThan(0);
  const killedAt = Date.now();
  stack.replica("signaling-2").program.kill("SIGKILL");
  const after = await until(
    "all peers have joined again on other replicas",
    async () => {
      const now = await report(run);
      const moved = now.peers.filter(({ call, side }) => victims.includes(`${call}${side}`));
      const back = moved.every(({ node, socketsLost }) => socketsLost > 0 && node !== null && node !== "signaling-2");
      return back && now.peers.every(({ state }) => state === "joined") ? now : null;
    },
    { withinMs: 5_000 },
  );
  for (const peer of after.peers) expect(peer.socketsLost).toBe(victims.includes(`${peer.call}${peer.side}`) ? 1 : 0);
  expect(after.reconnectMs).toMatchObject({ count: victims.length });
  const settled = await until(
    "losses after the kill would be known by now",
    async () => {
      const now = await report(run, `?since=${killedAt}`);
      return now.timeline.length >= 8 ? now : null;
    },
    { withinMs: 12_000 },
  );
  expect(settled.signals).toMatchObject({ duplicated: 0, lostAfterRejoin: 0, stale: 0 });
  expect(settled.media).toMatchObject({ connected: 5, interruptions: 0 });
});

test("marks become gauges, alerts are stored, invalid input is refused", async () => {
  const put = (path: string) => fetch(`${admin}${path}`, { method: "PUT", headers: json });
  expect((await put("/marks/action/kill/signaling-2")).status).toBe(204);
  expect((await put("/marks/drill/kill-node")).status).toBe(204);
  expect((await put("/marks/drill/Bad%20Name")).status).toBe(400);
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain('chaos_action_active{action="kill",target="signaling-2"} 1');
  expect(metrics).toContain('chaos_drill_active{drill="kill-node"} 1');
  const alert = {
    status: "firing",
    labels: { alertname: "ProxyDown" },
    annotations: { summary: "s" },
    startsAt: "2026-01-01T00:00:00Z",
    endsAt: "0001-01-01T00:00:00Z",
  };
  expect((await post("/alerts", { version: "4", alerts: [alert] })).status).toBe(204);
  expect((await post("/alerts", { alerts: [{ status: "odd" }] })).status).toBe(400);
  const alerts = (await (await fetch(`${admin}/alerts`)).json()) as ReceivedAlert[];
  expect(alerts).toMatchObject([{ status: "firing", labels: { alertname: "ProxyDown" } }]);
  expect((await post("/calls", { calls: 0 })).status).toBe(400);
});

test("a requested run id is used once", async () => {
  const request = { run: "run-0badcafe", calls: 1 };
  expect(await placeCalls(request)).toBe("run-0badcafe");
  expect((await post("/calls", request)).status).toBe(409);
  expect((await post("/calls", { ...request, run: "mine" })).status).toBe(400);
  expect((await fetch(`${admin}/calls/run-0badcafe`, { method: "DELETE", headers: json })).status).toBe(200);
});
