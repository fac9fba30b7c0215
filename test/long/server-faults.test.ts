import { randomUUID } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RelayAck } from "../../common/protocol.ts";
import { command } from "../support/backplane/redis-cluster.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, type JoinedPeer, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

/** An `ok` may be wrong for this time after a fault, ms. */
const wrongWithinMs = 3_000;
const faultMs = 6_000;

let redis: RedisServer;
let replicas: Replica[];
let peers: JoinedPeer<SocketIoPeer>[];
let room: string;

beforeEach(async () => {
  redis = await startRedisServer();
  // The fault must not lock the test out.
  await command(redis, ["ACL", "SETUSER", "tester", "on", ">tester", "~*", "&*", "+@all"]);
});
afterEach(async () => {
  for (const peer of peers ?? []) peer.close();
  await Promise.all((replicas ?? []).map(({ program }) => program[Symbol.asyncDispose]()));
  await redis?.[Symbol.asyncDispose]();
});

const ask = (...args: string[]) => command({ url: redis.url.replace("//", "//tester:tester@") }, args);
const areReady = async () => {
  const states = await Promise.all(
    replicas.map(
      async ({ adminUrl }) => ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state,
    ),
  );
  return states.every((state) => state === "ready");
};

/** Takes the place of a server that ends, and answers with `text`. */
async function replaceServer(text: string | null): Promise<() => Promise<void>> {
  await redis.kill();
  const sockets = new Set<Socket>();
  const stranger: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", () => {
      if (text !== null) socket.write(text);
    });
  });
  await new Promise<void>((resolve) => stranger.listen(redis.port, "127.0.0.1", resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => stranger.close(resolve));
    await redis.start();
  };
}

/** Makes the fault, and returns what ends it. */
type Fault = () => Promise<() => Promise<unknown>>;
const reversible = (make: string[], end: string[]) => async () => {
  await ask(...make);
  return () => ask(...end);
};
const faults: Record<string, Fault> = {
  "it becomes a copy of a live server": async () => {
    const other = await startRedisServer();
    await ask("REPLICAOF", "127.0.0.1", String(other.port));
    return async () => {
      await ask("REPLICAOF", "NO", "ONE");
      await other[Symbol.asyncDispose]();
    };
  },
  "it becomes a copy of a server that is not there": async () => {
    await ask("REPLICAOF", "127.0.0.1", String(await freePort()));
    return () => ask("REPLICAOF", "NO", "ONE");
  },
  "it demands a copy before it writes": reversible(
    ["CONFIG", "SET", "min-replicas-to-write", "1"],
    ["CONFIG", "SET", "min-replicas-to-write", "0"],
  ),
  "its clients may not write for a while": reversible(["CLIENT", "PAUSE", "60000", "WRITE"], ["CLIENT", "UNPAUSE"]),
  "all its clients wait": reversible(["CLIENT", "PAUSE", String(faultMs), "ALL"], ["PING"]),
  "it is full": reversible(["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
  "the replicas may not publish": reversible(
    ["ACL", "SETUSER", "default", "-publish", "-spublish", "-xadd"],
    ["ACL", "SETUSER", "default", "+@all"],
  ),
  "the replicas may use no channel": reversible(
    ["ACL", "SETUSER", "default", "resetchannels"],
    ["ACL", "SETUSER", "default", "allchannels"],
  ),
  "the replicas' user is off": reversible(["ACL", "SETUSER", "default", "off"], ["ACL", "SETUSER", "default", "on"]),
  "it wants a password": reversible(["CONFIG", "SET", "requirepass", "secret"], ["CONFIG", "SET", "requirepass", ""]),
  "it wants a password, and ends the connections": async () => {
    await ask("CONFIG", "SET", "requirepass", "secret");
    await ask("CLIENT", "KILL", "TYPE", "normal");
    await ask("CLIENT", "KILL", "TYPE", "pubsub");
    return () => ask("CONFIG", "SET", "requirepass", "");
  },
  "it loses all its data": reversible(["FLUSHALL"], ["PING"]),
  "it stops, and a silent server takes its port": () => replaceServer(null),
  "it stops, and a server of another kind takes its port": () => replaceServer("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "it stops, and a server that says OK to everything takes its port": () => replaceServer("+OK\r\n+PONG\r\n"),
};

async function sendBothWays(seconds: () => boolean) {
  const sent: { mark: string; to: number; at: number; ok: boolean }[] = [];
  const send = async (from: number) => {
    const mark = randomUUID();
    const at = performance.now();
    const ack = (await peers[from]?.send("offer", { roomId: room, mark })) as RelayAck;
    sent.push({ mark, to: 1 - from, at, ok: ack.ok });
  };
  while (!seconds()) {
    const pause = new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([send(0), send(1), pause]);
  }
  return sent;
}

const cases = ["pubsub"].flatMap((backplane) =>
  Object.entries(faults).map(([name, fault]) => [backplane, name, fault] as const),
);
test.each(cases)("%s: %s: no ok is wrong for over 3 s, and it goes on afterwards", async (backplane, name, fault) => {
  const start = (nodeId: string) => startReplica(nodeId, redis.url, { BACKPLANE: backplane });
  replicas = await Promise.all([start("signaling-1"), start("signaling-2")]);
  room = randomUUID();
  peers = [];
  for (const { url } of replicas) peers.push(await joinRoom(await connectSocketIo(url), room));
  await until("they know each other", () => peers[0]?.got("peer-joined").length === 1);

  const end = await fault();
  const madeAt = performance.now();
  const sent = await sendBothWays(() => performance.now() - madeAt > faultMs);
  const wereReady = await areReady();
  await end();
  const endedAt = performance.now();
  await until("they are ready", areReady, { withinMs: 20_000 });
  const readyMs = Math.round(performance.now() - endedAt);
  const mark = randomUUID();
  expect(await peers[0]?.send("offer", { roomId: room, mark })).toEqual({ ok: true });
  await until("it goes on", () => peers[1]?.got("offer").some((offer) => offer["mark"] === mark));

  const marks = peers.map((peer) => new Set(peer.got("offer").map((offer) => offer["mark"])));
  const wrong = sent.filter(({ ok, mark: of, to }) => ok && !marks[to]?.has(of)).map(({ at }) => at - madeAt);
  const oks = sent.filter(({ ok }) => ok).length;
  process.stdout.write(
    `${backplane}: ${name}: ${wereReady ? "ready" : "degraded"}; ${oks} of ${sent.length} ok, ${wrong.length} of them lost` +
      `${wrong.length === 0 ? "" : `, the last ${Math.round(Math.max(...wrong))} ms after the fault`}; ready ${readyMs} ms after its end\n`,
  );
  expect(wrong.filter((ms) => ms > wrongWithinMs)).toEqual([]);
  expect(replicas.map(({ program }) => program.child.exitCode)).toEqual([null, null]);
});
