import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { afterEach, expect, test } from "vitest";
import type { RelayAck } from "../../common/protocol.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

const servers: RedisServer[] = [];
const replicas: Replica[] = [];
const peers: SocketIoPeer[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await Promise.all(replicas.splice(0).map(({ program }) => program[Symbol.asyncDispose]()));
  await Promise.all(servers.splice(0).map((server) => server[Symbol.asyncDispose]()));
});

async function startServer(args: string[] = []): Promise<RedisServer> {
  const server = await startRedisServer(args);
  servers.push(server);
  return server;
}

async function ask(server: RedisServer, ...args: string[]): Promise<string> {
  const client = createClient({ url: server.url });
  await client.connect();
  const answer = String(await client.sendCommand(args));
  client.destroy();
  return answer;
}

async function start(nodeId: string, url: string, env: Record<string, string>): Promise<Replica> {
  const replica = await startReplica(nodeId, url, env);
  replicas.push(replica);
  return replica;
}

const stateOf = async ({ adminUrl }: Replica): Promise<string> =>
  ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state;

async function peerOn({ url }: Replica, room: string): Promise<SocketIoPeer> {
  const peer = await connectSocketIo(url);
  peers.push(peer);
  return joinRoom(peer, room);
}

const copyOf = (server: RedisServer) => ["REPLICAOF", "127.0.0.1", String(server.port)];

test.each(["pubsub", "sharded", "streams"])(
  "%s: a Redis becomes a read-only copy and keeps its connections: degraded within 3 s, and no ack says ok",
  async (backplane) => {
    const [redis, other] = [await startServer(), await startServer()];
    const env = { BACKPLANE: backplane };
    const both = [await start("signaling-1", redis.url, env), await start("signaling-2", redis.url, env)] as const;
    const room = randomUUID();
    const [a, b] = [await peerOn(both[0], room), await peerOn(both[1], room)];
    expect(await a.send("offer", { roomId: room, n: 0 })).toEqual({ ok: true });
    await until("it is there", () => b.got("offer").length === 1);

    await ask(redis, ...copyOf(other));
    const changedAt = performance.now();
    let lastOk = 0;
    await until(
      "both are degraded",
      async () => {
        const ack = (await a.send("offer", { roomId: room })) as RelayAck;
        if (ack.ok) lastOk = performance.now() - changedAt;
        return (await Promise.all(both.map(stateOf))).every((state) => state === "degraded");
      },
      { withinMs: 3_000, everyMs: 20 },
    );
    // The state persists, because a new connection to the same server does not help.
    const until5s = changedAt + 5_000;
    await until("five seconds are over", async () => {
      const ack = (await a.send("offer", { roomId: room })) as RelayAck;
      if (ack.ok) lastOk = performance.now() - changedAt;
      return performance.now() > until5s;
    });
    expect(lastOk).toBeLessThan(3_000);

    await ask(redis, "REPLICAOF", "NO", "ONE");
    await until("both are ready", async () =>
      (await Promise.all(both.map(stateOf))).every((state) => state === "ready"),
    );
    expect(await a.send("offer", { roomId: room, n: 1 })).toEqual({ ok: true });
    await until("it goes on", () => b.got("offer").at(-1)?.["n"] === 1);
  },
);

test("negative control: replicas that may not ask for the role take the copy for the master, and their acks say ok", async () => {
  const [redis, other] = [await startServer(), await startServer()];
  await ask(redis, "ACL", "SETUSER", "mute", "on", ">secret", "~*", "&*", "+@all", "-info");
  const url = redis.url.replace("//", "//mute:secret@");
  const both = [await start("signaling-1", url, {}), await start("signaling-2", url, {})] as const;
  const room = randomUUID();
  const [a, b] = [await peerOn(both[0], room), await peerOn(both[1], room)];
  await ask(redis, ...copyOf(other));
  const changedAt = performance.now();
  await until("with the role check they are degraded by now", () => performance.now() - changedAt > 3_000);
  await until("they are ready nevertheless", async () =>
    (await Promise.all(both.map(stateOf))).every((state) => state === "ready"),
  );
  await until("acks say ok", async () => ((await a.send("offer", { roomId: room })) as RelayAck).ok);
  await until("the copy carries it, as it does for its own clients alone", () => b.got("offer").length > 0);
});

test("a replica on another server than the others, which hides its role: only that replica is degraded", async () => {
  const [master, copy] = [await startServer(), await startServer()];
  // On this server nobody may read the role.
  await ask(copy, "ACL", "SETUSER", "mute", "on", ">secret", "~*", "&*", "+@all", "-info");
  await ask(copy, ...copyOf(master));
  await until("the copy follows", async () => /master_link_status:up/.test(await ask(copy, "INFO", "replication")));
  const right = [await start("signaling-2", master.url, {}), await start("signaling-3", master.url, {})];
  const startedAt = performance.now();
  const wrong = await start("signaling-1", copy.url.replace("//", "//mute:secret@"), {});
  await until("it is degraded", async () => (await stateOf(wrong)) === "degraded", { withinMs: 5_000 });
  expect(performance.now() - startedAt).toBeLessThan(6_000);
  expect(await Promise.all(right.map(stateOf))).toEqual(["ready", "ready"]);
  await until("the log says why", () => /does not hear this replica/.test(wrong.program.output()));

  await ask(copy, "REPLICAOF", "NO", "ONE");
  await until("it hears no other replica, and is a master itself", async () => (await stateOf(wrong)) === "ready");
});
