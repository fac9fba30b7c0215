import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { openPublisher } from "../../services/signaling/backplane/redis/publisher.ts";
import { connectClient } from "../../services/signaling/backplane/redis/redis-connection.ts";
import { redisTarget } from "../../services/signaling/backplane/redis/redis-target.ts";
import { startBackplaneServer, type Variant } from "../support/backplane/backplane-server.ts";
import { type Certificate, makeCertificate } from "../support/backplane/certificate.ts";
import { command } from "../support/backplane/redis-cluster.ts";
import { askRedis } from "../support/backplane/redis-sentinel.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

/**
 * The rights that a replica needs in Redis, and no more. From Redis 7.2 on the client also sends its name:
 * `+client|setinfo +client|reply`.
 */
const rights = [
  "-@all +hello +auth +ping +quit +reset +client|setname +client|id +info",
  "+publish +spublish +subscribe +unsubscribe +psubscribe +punsubscribe +ssubscribe +sunsubscribe",
  "+pubsub|numsub +pubsub|shardnumsub +xadd +xtrim +xread +xrange +xrevrange +set +getdel +cluster|slots",
  "resetchannels &socket.io* &socket.io#/#* &socket.io#/signaling#* &hold-the-line:* &room:* ~hold-the-line:*",
].join(" ");
const password = "p%40ss:w/rd";

const dir = mkdtempSync(join(tmpdir(), "redis-access-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** A server with one user besides the default one, which the test itself uses. */
function startWithUser(user: string): Promise<RedisServer> {
  const file = join(dir, `${randomUUID()}.acl`);
  writeFileSync(file, `user default on nopass ~* &* +@all\nuser ${user}\n`);
  return startRedisServer(["--aclfile", file]);
}

const replicas: Replica[] = [];
afterEach(async () => {
  await Promise.all(replicas.splice(0).map(({ program }) => program[Symbol.asyncDispose]()));
});

async function expectSignalsCross(urls: string, env: Record<string, string>) {
  for (const nodeId of ["signaling-1", "signaling-2"]) replicas.push(await startReplica(nodeId, urls, env));
  const [first, second] = replicas as [Replica, Replica];
  const states = async () =>
    Promise.all(
      replicas.map(async ({ adminUrl }) => (await (await fetch(`${adminUrl}/readyz`)).text()).includes('"ready"')),
    );
  await until("both are ready", async () => (await states()).every(Boolean));
  const room = randomUUID();
  const [a, b] = [await connectSocketIo(first.url), await connectSocketIo(second.url)];
  try {
    await joinRoom(a, room);
    await joinRoom(b, room);
    await until("they see each other", () => a.got("peer-joined").length === 1);
    expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
    await until("the offer is there", () => b.got("offer").length === 1);
  } finally {
    a.close();
    b.close();
  }
}

test.each<Variant>(["pubsub", "sharded", "streams"])(
  "%s needs no more of Redis than its ACL user may",
  async (variant) => {
    const user = `replica on >${password} ${rights}`;
    await using redis = await startRedisServer(["--user", ...user.split(" ")]);
    const env = { BACKPLANE: variant };
    await expectSignalsCross(redis.url, {
      ...env,
      REDIS_USERNAME: "replica",
      REDIS_PASSWORD: password,
    });
    await until("no right is missing", () => replicas.every(({ program }) => !program.output().includes("NOPERM")));
  },
);

test("the password comes from the URL, or from a file, and is in no log", async () => {
  writeFileSync(join(dir, "password"), "from-the-file\n");
  await using redis = await startWithUser("replica on >from-the-file ~* &* +@all");
  const url = redis.url.replace("redis://", "redis://replica@");
  await expectSignalsCross(url, { REDIS_PASSWORD_FILE: join(dir, "password") });
  await Promise.all(replicas.splice(0).map(({ program }) => program[Symbol.asyncDispose]()));
  await expectSignalsCross(redis.url.replace("redis://", "redis://replica:from-the-file@"), {});
  for (const { program } of replicas) expect(program.output()).not.toMatch("from-the-file");
});

test("a wrong password leaves the replica degraded and says why", async () => {
  await using redis = await startWithUser("replica on >right ~* &* +@all");
  const replica = await startReplica("signaling-1", redis.url, { REDIS_USERNAME: "replica", REDIS_PASSWORD: "wrong" });
  replicas.push(replica);
  expect(await (await fetch(`${replica.adminUrl}/readyz`)).json()).toMatchObject({ state: "degraded" });
  expect(replica.program.output()).toMatch("WRONGPASS");
  expect(replica.program.output()).not.toMatch('"wrong"');
});

test("one node of a cluster is enough as address, and the loss of one of three primaries is noticed and survived", async () => {
  await using server = await startBackplaneServer("sharded-cluster");
  const [first, second] = server.servers as [RedisServer, RedisServer];
  await expectSignalsCross(first.url, server.env);
  const state = (wanted: string) => async () => {
    const texts = await Promise.all(replicas.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/readyz`)).text()));
    return texts.every((text) => text.includes(`"${wanted}"`));
  };
  await second.kill();
  await until("both are degraded", state("degraded"), { withinMs: 4_000 });
  await second.start();
  await server.whole();
  await until("both are ready", state("ready"), { withinMs: 3_000 });
});

/** The options of a server with a certificate. */
const tlsOptions = ({ ca, cert, key }: Certificate) => [
  ...["--tls-cert-file", cert, "--tls-key-file", key],
  ...["--tls-ca-cert-file", ca, "--tls-auth-clients", "no"],
];

/** A server that also speaks TLS. */
async function startTlsServer(certificate = makeCertificate(dir)) {
  const tlsPort = await freePort();
  const server = await startRedisServer(["--tls-port", String(tlsPort), ...tlsOptions(certificate)]);
  return { ...server, tlsPort, tlsUrl: `rediss://localhost:${tlsPort}`, ca: certificate.ca };
}

/** The clients of a server that came without TLS, except the one that asks. */
async function plainClients({ url, tlsPort }: { url: string; tlsPort: number }): Promise<number> {
  const clients = String(await askRedis(url, ["CLIENT", "LIST"]))
    .trim()
    .split("\n");
  return clients.filter((line) => !line.includes(`laddr=127.0.0.1:${tlsPort} `)).length - 1;
}

test.each<Variant>(["pubsub", "sharded", "streams"])("%s goes through TLS, by rediss: URLs", async (variant) => {
  await using redis = await startTlsServer();
  await expectSignalsCross(redis.tlsUrl, { BACKPLANE: variant, NODE_EXTRA_CA_CERTS: redis.ca });
  expect(await plainClients(redis)).toBe(0);
});

test("a cluster is reached through TLS, by rediss: in the URL of one node", async () => {
  const certificate = makeCertificate(dir);
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  // They speak TLS among themselves, and announce no other port.
  const nodes = await Promise.all(
    [0, 1, 2].map((index) =>
      startRedisServer([
        ...["--cluster-enabled", "yes", "--cluster-port", String(ports[index]), "--tls-cluster", "yes"],
        ...["--tls-port", String(ports[index + 3]), ...tlsOptions(certificate)],
      ]),
    ),
  );
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all(nodes.map((node) => node.kill()))) };
  for (const [index, node] of nodes.entries()) {
    const slots = [0, 1, 2, 3].map((part) => Math.floor((part * 16_384) / 3));
    await command(node, ["CLUSTER", "ADDSLOTSRANGE", String(slots[index]), String((slots[index + 1] ?? 0) - 1)]);
    await command(node, ["CLUSTER", "MEET", "127.0.0.1", String(ports[3]), String(ports[0])]);
  }
  const whole = async () =>
    (await Promise.all(nodes.map((node) => command(node, ["CLUSTER", "INFO"])))).every(
      (info) => info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3"),
    );
  await until("the cluster is whole", whole, { withinMs: 20_000 });
  await expectSignalsCross(`rediss://localhost:${ports[3]}`, {
    BACKPLANE: "sharded",
    NODE_EXTRA_CA_CERTS: certificate.ca,
  });
  for (const [index, { url }] of nodes.entries())
    expect(await plainClients({ url, tlsPort: ports[index + 3] ?? 0 })).toBe(0);
});

test("Sentinels and the master that they name are reached through TLS, by rediss: in the Sentinel's URL", async () => {
  const certificate = makeCertificate(dir);
  await using master = await startTlsServer(certificate);
  const port = await freePort();
  const file = join(dir, "sentinel.conf");
  writeFileSync(file, `sentinel monitor hold-the-line 127.0.0.1 ${master.tlsPort} 1\n`);
  // Its plain port is closed, and it reaches the master by TLS too.
  const tls = ["--port", "0", "--tls-port", String(port), "--tls-replication", "yes", ...tlsOptions(certificate)];
  await using _ = startProgram("redis-server", [file, "--sentinel", ...tls]);
  await expectSignalsCross("redis://127.0.0.1:1", {
    REDIS_SENTINELS: `rediss://localhost:${port}`,
    NODE_EXTRA_CA_CERTS: certificate.ca,
  });
  expect(await plainClients(master)).toBe(0);
});

test("a certificate of an unknown CA leaves the replica degraded and says why", async () => {
  await using redis = await startTlsServer();
  const replica = await startReplica("signaling-1", redis.tlsUrl, {});
  replicas.push(replica);
  expect(await (await fetch(`${replica.adminUrl}/readyz`)).json()).toMatchObject({ state: "degraded" });
  expect(replica.program.output()).toMatch(/"reason":"(publisher|subscriber): .*certificate/);

  // Which connection is the first to be refused differs. Each is, by itself.
  const target = redisTarget({ REDIS_URL: [redis.tlsUrl] });
  await expect(openPublisher(target, new AbortController())).rejects.toThrow(/publisher: .*certificate/);
  await expect(connectClient(target, "subscriber", new AbortController()).connect()).rejects.toThrow(/certificate/);
});
