import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { createLog } from "../../../common/log.ts";
import { createLink, type Link } from "../../../ops/link/link.ts";
import { freePort } from "../free-port.ts";
import { until } from "../poll.ts";
import { type Program, startProgram } from "../program.ts";
import { type RedisServer, startRedisServer } from "../redis-server.ts";

/** Three Redis servers, one of them the master, and three Sentinels that watch them. */
export interface SentinelStack extends AsyncDisposable {
  /** What a replica needs to use it. */
  env: Record<string, string>;
  servers: readonly RedisServer[];
  /** The master, as the first Sentinel that answers names it. */
  master(): Promise<RedisServer>;
  /** Resolves when every server is the master or follows it, and the Sentinels know it. */
  whole(): Promise<unknown>;
  /** Cuts a server from the other servers and from the Sentinels. Needs `isolable`. */
  isolate(server: RedisServer): void;
  /** Ends all isolation. */
  rejoin(): void;
  /** Stops all Sentinels with SIGSTOP, or lets them go on. */
  freezeSentinels(isFrozen: boolean): void;
  /** A replica's own way to the servers and the Sentinels. Needs `isolable`. */
  way(): Promise<Way>;
}

/** The way of one replica to each server and each Sentinel. */
export interface Way extends Disposable {
  env: Record<string, string>;
  /** Cuts it from all Sentinels, and from all servers but one. */
  cutExcept(server: RedisServer): void;
  /** Cuts it from one server. */
  cutFrom(server: RedisServer): void;
  mend(): void;
}

const host = "127.0.0.1";
const log = createLog({ service: "links", level: "fatal" });

/** A link to a port of this host, on a free port or on a given one. */
async function openLink(to: number, port?: number): Promise<{ port: number; link: Link }> {
  const at = port ?? (await freePort());
  const link = createLink(`link-${at}`, { host, port: at }, { host, port: to }, log);
  await link.open();
  return { port: at, link };
}

/** Sends one command to a server. */
export async function askRedis(url: string, args: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { connectTimeout: 1_000, reconnectStrategy: false } });
  client.on("error", () => client.destroy());
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

/**
 * `down-after-milliseconds` is 2 s.
 *
 * @param isolable servers announce the ports of links, so that they can be cut from each other and from the Sentinels
 */
export async function startSentinelStack({ isolable = false } = {}): Promise<SentinelStack> {
  async function startServer() {
    if (!isolable) return startRedisServer();
    const announced = await freePort();
    const server = await startRedisServer(["--replica-announce-ip", host, "--replica-announce-port", `${announced}`]);
    links.set(server, await openLink(server.port, announced));
    return server;
  }
  const links = new Map<RedisServer, Awaited<ReturnType<typeof openLink>>>();
  const announcedPort = (server: RedisServer) => links.get(server)?.port ?? server.port;
  const servers = await Promise.all([startServer(), startServer(), startServer()]);
  const [first] = servers;
  if (first === undefined) throw new Error("no server");
  for (const server of servers.slice(1)) await askRedis(server.url, ["REPLICAOF", host, `${announcedPort(first)}`]);
  const dir = mkdtempSync(join(tmpdir(), "sentinel-"));
  const sentinels: { url: string; program: Program }[] = [];
  for (let n = 0; n < 3; n += 1) {
    const port = await freePort();
    const file = join(dir, `${n}.conf`);
    writeFileSync(
      file,
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `sentinel monitor hold-the-line ${host} ${announcedPort(first)} 2`,
        "sentinel down-after-milliseconds hold-the-line 2000",
        "sentinel failover-timeout hold-the-line 6000",
        "",
      ].join("\n"),
    );
    sentinels.push({
      url: `redis://127.0.0.1:${port}`,
      program: startProgram("redis-server", [file, "--sentinel"]),
    });
  }
  const masterPort = async () => {
    for (const { url } of sentinels) {
      const [, port] = (await askRedis(url, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "hold-the-line"])) as string[];
      if (port !== undefined) return Number(port);
    }
    throw new Error("no Sentinel answers");
  };
  const master = async () => {
    const port = await masterPort();
    const server = servers.find((one) => announcedPort(one) === port);
    if (server === undefined) throw new Error(`the master listens at ${port}, which is no server of this stack`);
    return server;
  };
  const rows = (answer: unknown) => answer as Record<string, string>[];
  const whole = () =>
    until(
      "every server is the master or follows it, and the Sentinels know each other",
      async () => {
        const info = String(await askRedis((await master()).url, ["INFO", "replication"]));
        if (!info.includes("role:master") || (info.match(/state=online/g) ?? []).length < 2) return false;
        for (const { url } of sentinels) {
          if (rows(await askRedis(url, ["SENTINEL", "SENTINELS", "hold-the-line"])).length < 2) return false;
          const replicas = rows(await askRedis(url, ["SENTINEL", "REPLICAS", "hold-the-line"]));
          if (replicas.filter(({ flags }) => flags === "slave").length < 2) return false;
        }
        return true;
      },
      { withinMs: 40_000 },
    );
  const stack: SentinelStack = {
    env: { REDIS_SENTINELS: sentinels.map(({ url }) => url).join(",") },
    servers,
    master,
    whole,
    isolate: (server) => links.get(server)?.link.set("black-hole", {}),
    rejoin() {
      for (const { link } of links.values()) link.clear();
    },
    freezeSentinels(isFrozen) {
      for (const { program } of sentinels) program.child.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
    },
    async way() {
      const toSentinels = await Promise.all(sentinels.map(({ url }) => openLink(Number(new URL(url).port))));
      const toServers = new Map(
        await Promise.all(servers.map(async (server) => [server, await openLink(server.port)] as const)),
      );
      const all = [...toSentinels, ...toServers.values()];
      return {
        env: {
          REDIS_SENTINELS: toSentinels.map(({ port }) => `redis://${host}:${port}`).join(","),
          REDIS_ADDRESS_MAP: [...toServers]
            .map(([server, { port }]) => `${host}:${announcedPort(server)}=${host}:${port}`)
            .join(","),
        },
        cutExcept(server) {
          for (const one of all) if (one !== toServers.get(server)) one.link.set("black-hole", {});
        },
        cutFrom: (server) => toServers.get(server)?.link.set("black-hole", {}),
        mend() {
          for (const { link } of all) link.clear();
        },
        [Symbol.dispose]() {
          for (const { link } of all) link.close();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sentinels.map(({ program }) => program[Symbol.asyncDispose]()));
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      for (const { link } of links.values()) link.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await whole();
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
  return stack;
}
