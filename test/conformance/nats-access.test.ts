import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { makeCertificate } from "../support/backplane/certificate.ts";
import {
  connectNats,
  natsCredentials,
  natsUser,
  natsWatcher,
  startNatsServers,
} from "../support/backplane/nats-server.ts";
import { until } from "../support/poll.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

const dir = mkdtempSync(join(tmpdir(), "nats-access-"));
afterAll(() => rmSync(dir, { recursive: true }));

const replicas: Replica[] = [];
const peers: SocketIoPeer[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await Promise.all(replicas.splice(0).map(({ program }) => program[Symbol.asyncDispose]()));
});

async function start(...environments: Record<string, string>[]): Promise<Replica[]> {
  for (const env of environments)
    replicas.push(await startReplica(`signaling-${replicas.length + 1}`, "", { BACKPLANE: "nats", ...env }));
  return replicas;
}

const startOne = async () => (await startNatsServers())[0] as RedisServer;

const stateOf = async ({ adminUrl }: Replica) =>
  ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state;

/** Two peers that know each other, on the first and the last replica. */
async function pair() {
  const room = randomUUID();
  const join = async (replica: Replica | undefined) => {
    const peer = await connectSocketIo(replica?.url ?? "");
    peers.push(peer);
    return joinRoom(peer, room);
  };
  const a = await join(replicas[0]);
  const b = await join(replicas.at(-1));
  await until("they see each other", () => a.got("peer-joined").length === 1);
  return { room, a, b };
}

test("replicas need no more of NATS than their user may, and the user may nothing else", async () => {
  await using server = await startOne();
  const env = { NATS_URL: server.url, ...natsCredentials };
  await start(env, env);
  const { room, a, b } = await pair();
  expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
  await until("the offer is there", () => b.got("offer").length === 1);
  for (const { program } of replicas) expect(program.output()).not.toMatch(/Permissions|p%40ss/);

  for (const [refused, act, as = natsUser] of [
    ["subscribe to all", (client: Client) => void client.subscribe(">", { callback: () => undefined })],
    [
      "look at the system's subjects",
      (client: Client) => void client.subscribe("$SYS.>", { callback: () => undefined }),
    ],
    ["publish elsewhere", (client: Client) => client.publish("elsewhere", "x")],
    ["ask JetStream", (client: Client) => client.publish("$JS.API.INFO", "")],
    ["speak where it may only look", (client: Client) => client.publish("hold-the-line.x", ""), natsWatcher],
  ] as const) {
    const client = await connectNats({ port: server.port, ...as });
    const errors: string[] = [];
    const reading = (async () => {
      for await (const status of client.status()) if (status.type === "error") errors.push(status.error.message);
    })();
    act(client);
    await client.flush();
    await until(`it may not ${refused}`, () => errors.some((text) => text.includes("Permissions Violation")));
    await client.close();
    await reading;
  }
  await expect(connectNats({ port: server.port, user: "", pass: "" })).rejects.toThrow(/Authorization/);
});
type Client = Awaited<ReturnType<typeof connectNats>>;

test("credentials come from the URL too; a wrong password leaves the replica degraded and says why", async () => {
  await using server = await startOne();
  const withPassword = (pass: string) => server.url.replace("//", `//${natsUser.user}:${encodeURIComponent(pass)}@`);
  const [good, bad] = await start({ NATS_URL: withPassword(natsUser.pass) }, { NATS_URL: withPassword("wrong-one") });
  expect(await stateOf(good as Replica)).toBe("ready");
  expect(await stateOf(bad as Replica)).toBe("degraded");
  const output = bad?.program.output() ?? "";
  expect(output).toMatch(/Authorization Violation/i);
  expect(output).toMatch(/NATS_URL, NATS_USERNAME, NATS_PASSWORD/);
  expect(output).not.toMatch("wrong-one");
});

test("tls: demands TLS: a server without it is not used", async () => {
  await using server = await startOne();
  const [replica] = await start({ NATS_URL: server.url.replace("nats:", "tls:"), ...natsCredentials });
  expect(await stateOf(replica as Replica)).toBe("degraded");
  expect(replica?.program.output()).toMatch(/does not support 'tls'/);
});

test("tls: signals go through TLS, and a certificate of an unknown CA leaves the replica degraded and says why", async () => {
  const certificate = makeCertificate(dir);
  await using server = (await startNatsServers("single", certificate))[0] as RedisServer;
  const env = { NATS_URL: `tls://localhost:${server.port}`, ...natsCredentials };
  const trusting = { ...env, NODE_EXTRA_CA_CERTS: certificate.ca };
  await start(trusting, trusting);
  const { room, a, b } = await pair();
  expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
  await until("the offer is there", () => b.got("offer").length === 1);

  const other = { ...env, NODE_EXTRA_CA_CERTS: makeCertificate(dir).ca };
  for (const untrusting of [env, other]) {
    const [, , replica] = await start(untrusting);
    expect(await stateOf(replica as Replica)).toBe("degraded");
    expect(replica?.program.output()).toMatch(/"reason":".*certificate.*no backplane within .*NATS_URL/s);
    await replicas.pop()?.program[Symbol.asyncDispose]();
  }
});

test("one of three servers is killed: its replicas use another one, and signals between replicas are back within 3 s", async () => {
  const servers = await startNatsServers("cluster");
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map((one) => one.kill()))) };
  const urls = servers.map(({ url }) => url);
  // Each begins at a random one.
  const env = { NATS_URL: urls.join(), ...natsCredentials };
  await start(env, env, env);
  const { room, a, b } = await pair();
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    a.socket.emit("candidate", { roomId: room, n: sent });
  }, 10);
  try {
    for (const server of servers) {
      const flowing = b.got("candidate").length;
      await until("signals flow", () => b.got("candidate").length > flowing + 50);
      await server.kill();
      const at = performance.now();
      const before = sent;
      await until("they flow again", () => b.got("candidate").some(({ n }) => Number(n) > before + 5), {
        withinMs: 3_000,
      });
      process.stdout.write(
        `nats: a server of three killed, signals back after ${Math.round(performance.now() - at)} ms\n`,
      );
      await server.start();
      await until("all are ready", async () => (await Promise.all(replicas.map(stateOf))).every((s) => s === "ready"));
    }
  } finally {
    clearInterval(timer);
  }
  const numbers = b.got("candidate").map(({ n }) => Number(n));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(replicas.map(({ program }) => program.child.exitCode)).toEqual([null, null, null]);
});
