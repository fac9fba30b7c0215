import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Backplane } from "../backplane/backplane.ts";
import { createDirectory } from "./directory.ts";
import type { Gossip } from "./gossip.ts";
import { createPresence } from "./presence.ts";

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

const graceMs = 10_000;

/** Replicas whose gossip and heartbeats go through memory, on a clock that the test moves. */
function replicas(...ids: string[]) {
  const bus = new Map<string, ReturnType<typeof replica>>();
  function replica(nodeId: string) {
    const told: string[] = [];
    const superseded: string[] = [];
    let up = true;
    const listeners = {
      change: [] as ((up: boolean) => void)[],
      heartbeat: [] as ((node: string) => void)[],
    };
    const backplane = {
      up: () => up,
      onChange: (listener: (up: boolean) => void) => void listeners.change.push(listener),
      onMissed: () => undefined,
      onHeartbeat: (listener: (node: string) => void) => void listeners.heartbeat.push(listener),
    } as unknown as Backplane;
    const presence = createPresence({
      nodeId,
      graceMs,
      directory: createDirectory(),
      backplane,
      abilities: { addressed: true },
      emit(gossip: Gossip, to) {
        if (!up) return;
        for (const [id, other] of bus) if (id !== nodeId && (to ?? id) === id) other.hear(structuredClone(gossip));
      },
      local: {
        tell: (roomId, event, data) => {
          const { peerId, reason, resumed } = data as { peerId: string; reason?: string; resumed?: boolean };
          told.push([event, roomId, peerId, reason ?? (resumed === true ? "resumed" : "")].join(" ").trim());
        },
        supersede: (peerId) => void superseded.push(peerId),
      },
      log: pino({ level: "silent" }),
    });
    const heartbeat = setInterval(() => {
      if (up) for (const other of bus.values()) other.beat(nodeId);
    }, 1_000);
    return {
      presence,
      /** Events of its own peers since the last call. */
      told: () => told.splice(0),
      superseded,
      hear: (gossip: Gossip) => (up ? presence.receive(gossip) : undefined),
      beat: (node: string) => {
        if (up) for (const listener of listeners.heartbeat) listener(node);
      },
      setUp(value: boolean): void {
        up = value;
        for (const listener of listeners.change) listener(value);
      },
      /** SIGKILL: it says nothing any more. */
      kill(): void {
        clearInterval(heartbeat);
        presence.close();
        bus.delete(nodeId);
      },
    };
  }
  for (const id of ids) bus.set(id, replica(id));
  return ids.map((id) => bus.get(id) as ReturnType<typeof replica>);
}

/** Two replicas that know each other; `a` joined on the first, `b` on the second, of one room. */
async function call() {
  const [one, two] = replicas("signaling-1", "signaling-2");
  if (one === undefined || two === undefined) throw new Error("no replicas");
  await vi.advanceTimersByTimeAsync(5_000);
  one.presence.enter("room", "a", "socketio");
  two.presence.enter("room", "b", "socketio");
  await vi.advanceTimersByTimeAsync(1_000);
  one.told();
  two.told();
  return { one, two };
}

test("a peer that loses its socket is away for its grace, and then left, on all replicas", async () => {
  const { one, two } = await call();
  one.presence.lose("room", "a", "disconnected");
  expect(two.told()).toEqual(["peer-away room a disconnected"]);
  await vi.advanceTimersByTimeAsync(graceMs - 1);
  expect(two.told()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(two.told()).toEqual(["peer-left room a timeout"]);
  expect(one.told()).toEqual(["peer-away room a disconnected", "peer-left room a timeout"]);
});

test("a peer that joins again within its grace is present again, on any replica, and never left", async () => {
  const { one, two } = await call();
  one.presence.lose("room", "a", "disconnected");
  await vi.advanceTimersByTimeAsync(graceMs - 500);
  two.presence.enter("room", "a", "socketio");
  await vi.advanceTimersByTimeAsync(3 * graceMs);
  expect(two.told()).toEqual(["peer-away room a disconnected", "peer-joined room a resumed"]);
  expect(one.told()).toEqual(["peer-away room a disconnected", "peer-joined room a resumed"]);
});

test("a peer that joins on another replica while its socket is open supersedes the older socket", async () => {
  const { one, two } = await call();
  two.presence.enter("room", "a", "socketio");
  await vi.advanceTimersByTimeAsync(100);
  expect(one.superseded).toEqual(["a"]);
});

test("the peers of a silent replica are away within 3 s, and left after their grace", async () => {
  const { one, two } = await call();
  one.kill();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(two.told()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_600);
  expect(two.told()).toEqual(["peer-away room a replica-lost"]);
  await vi.advanceTimersByTimeAsync(graceMs);
  expect(two.told()).toEqual(["peer-left room a replica-lost"]);
});

test("a peer that was away when its replica died still leaves", async () => {
  const { one, two } = await call();
  one.presence.lose("room", "a", "disconnected");
  one.kill();
  expect(two.told()).toEqual(["peer-away room a disconnected"]);
  await vi.advanceTimersByTimeAsync(graceMs + 2_500 + graceMs);
  expect(two.told()).toEqual(["peer-left room a replica-lost"]);
});

test("without the backplane no replica is judged; afterwards a live replica is not lost", async () => {
  const { one, two } = await call();
  two.setUp(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(two.told()).toEqual([]);
  two.setUp(true);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(two.told()).toEqual([]);
  one.presence.leave("room", "a", "left");
  expect(two.told()).toEqual(["peer-left room a left"]);
});

test("a peer that left during an outage has left once members are exchanged", async () => {
  const { one, two } = await call();
  one.setUp(false);
  two.setUp(false);
  one.presence.leave("room", "a", "left");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(two.told()).toEqual([]);
  one.setUp(true);
  two.setUp(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(two.told()).toEqual([expect.stringMatching(/^peer-left room a/)]);
});

test("a grace that ends during an outage takes effect when the backplane is back, not before", async () => {
  const { one, two } = await call();
  one.presence.lose("room", "a", "disconnected");
  one.setUp(false);
  two.setUp(false);
  await vi.advanceTimersByTimeAsync(3 * graceMs);
  expect(one.told()).toEqual(["peer-away room a disconnected"]);
  one.setUp(true);
  two.setUp(true);
  await vi.advanceTimersByTimeAsync(graceMs);
  expect(one.told()).toEqual(["peer-left room a timeout"]);
});
