import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HeapNode, heapVariables, takeHeapSnapshot } from "../support/heap/heap-snapshot.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";

const peers = 300;
/** On the heap of a replica, each idle peer in a room of its own; the plain recipe's keeps about 13,400. */
const boundBytes = { "Socket.IO": 13_500, "/ws": 8_500 } as const;

const folder = mkdtempSync(join(tmpdir(), "signaling-memory-"));
const file = join(folder, "heap.json");
let redis: RedisServer;
let replica: Replica;

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, { ...heapVariables(file), OVERLOAD_LAG_MS: "60000" });
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test.each([
  ["Socket.IO", (url: string): Promise<SignalPeer> => connectSocketIo(url, { reconnection: false })],
  ["/ws", (url: string): Promise<SignalPeer> => connectRaw(url)],
] as const)("an idle peer on %s keeps no request on the replica, and little else", async (gateway, connect) => {
  const opened: SignalPeer[] = [];
  async function open(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) opened.push(await joinRoom(await connect(replica.url), randomUUID()));
  }
  const snapshot = () => takeHeapSnapshot(replica.program.pid, file);
  try {
    await open(peers);
    const before = await snapshot();
    await open(peers);
    const after = await snapshot();
    const each = (of: (nodes: readonly HeapNode[]) => number) => (of(after) - of(before)) / peers;
    const bytes = each((nodes) => nodes.reduce((sum, node) => sum + (node.type === "code" ? 0 : node.bytes), 0));
    const requests = each((nodes) => nodes.filter(({ name }) => name === "IncomingMessage").length);
    process.stdout.write(`${gateway}: an idle peer keeps ${bytes.toFixed(0)} bytes on the heap\n`);
    expect(requests).toBeLessThan(0.1);
    expect(bytes).toBeLessThan(boundBytes[gateway]);
  } finally {
    for (const peer of opened) peer.close();
  }
});
