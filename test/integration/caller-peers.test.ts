import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallsReport } from "../../common/calls.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ env: { REPLICA_HEADER: "x-replica" } });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const json = { "content-type": "application/json" };

/** A caller with that kind of peer and these established calls. */
async function startCaller(env: Record<string, string>, request: object) {
  const port = await freePort();
  const admin = `http://127.0.0.1:${port}`;
  const program = startProgram("node", ["services/caller/main.ts"], {
    ADMIN_PORT: String(port),
    TARGET_URL: stack.proxy.url,
    CALLS: "0",
    PROBE_EVERY_MS: "0",
    ...env,
  });
  await until("the caller is up", async () => (await fetch(`${admin}/healthz`)).ok);
  const body = JSON.stringify({ run: "run-0badcafe", rate: 50, ...request });
  await fetch(`${admin}/calls`, { method: "POST", headers: json, body });
  const report = async (): Promise<CallsReport> =>
    (await fetch(`${admin}/calls/run-0badcafe`)).json() as Promise<CallsReport>;
  const established = async () => {
    const now = await report();
    return now.calls.established === now.calls.wanted ? now : null;
  };
  const before = await until("all calls stand", established, { withinMs: 15_000 });
  return { program, report, before, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

test.for([
  ["engine", {}],
  ["websocket", { PEER_PATH: "/ws" }],
] as const)(
  "%s peers know their replica, keep their connection while it is alive, and come back when it is killed",
  async ([kind, env]) => {
    // Each peer's replica is random: with 40 of them none of the three stays without one.
    await using caller = await startCaller({ PEER: kind, ...env }, { calls: 20 });
    const { before } = caller;
    expect(before.capabilities).toEqual({ signals: false, media: false });
    expect(new Set(before.peers.map(({ node }) => node))).toEqual(
      new Set(["signaling-1", "signaling-2", "signaling-3"]),
    );
    const victims = before.peers.filter(({ node }) => node === "signaling-2");
    stack.replica("signaling-2").program.kill("SIGKILL");
    const after = await until(
      "all peers are back on other replicas",
      async () => {
        const now = await caller.report();
        const back = now.peers.every(({ state, node }) => state === "joined" && node !== "signaling-2");
        return back && now.reconnectMs.count === victims.length ? now : null;
      },
      { withinMs: 8_000 },
    );
    for (const { call, side, socketsLost } of after.peers)
      expect(socketsLost).toBe(victims.some((one) => one.call === call && one.side === side) ? 1 : 0);
    expect(after.sessionAgeMs.count).toBe(victims.length);
    await stack.restart("signaling-2");
    await until("it is ready again", async () => (await stack.stateOf("signaling-2")) === "ready");
  },
);

test("a custom peer is a file that exports it; another file ends the start in one line", async () => {
  await using cleanUp = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "peer-"));
  cleanUp.defer(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "my-peer.ts");
  writeFileSync(
    file,
    `export const peer = {
      capabilities: { signals: false, media: false },
      connect: ({ url }: { url: string }, events: any) => ({
        join: () => void fetch(url).then(({ headers }) => events.joined({ node: headers.get("x-replica"), peerId: null, peers: 0 })),
        send: async () => ({ ok: true }),
        close: async () => events.ended(),
      }),
    };`,
  );
  await using caller = await startCaller({ PEER: file }, { calls: 2 });
  expect(caller.before.peers.every(({ node }) => node?.startsWith("signaling-"))).toBe(true);
  for (const [peer, line] of [
    ["telepathy", "PEER=telepathy: must be signaling, engine, websocket, or a file"],
    [join(import.meta.dirname, "../support/poll.ts"), "must export `peer`"],
  ] as const) {
    const program = startProgram("node", ["services/caller/main.ts"], { PEER: peer, ADMIN_PORT: "0" });
    expect(await program.exited).not.toBe(0);
    expect(program.output()).toContain(line);
  }
});
