import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFlags } from "../../../ops/process/node-flags.ts";
import { freePort } from "../../support/free-port.ts";
import { heapVariables } from "../../support/heap/heap-snapshot.ts";
import { until } from "../../support/poll.ts";
import { startProgram } from "../../support/program.ts";
import { startProxyProgram } from "../../support/proxy.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { startReplica } from "../../support/replica.ts";

/** Servers of one kind with a Redis of their own. */
export interface Contender {
  name: "ours" | "other";
  servers: { url: string; pid: number }[];
  redisPid: number;
  /** Address for clients, if there is a proxy in front. */
  front?: { url: string; pid: number };
  [Symbol.asyncDispose](): Promise<void>;
}

interface Options {
  count: number;
  backplane: string;
  /** The checkout of another version, if its replicas run. */
  checkout?: string | undefined;
  /** True with the matching proxy in front. */
  fronted?: boolean;
  /** Collects garbage on SIGUSR2, for measures of memory. */
  collects?: boolean;
  /** Path of the heap snapshot on SIGHUP. */
  heapSnapshot?: string;
}

/** This project's replicas, and its proxy. */
export async function startOurs(options: Options): Promise<Contender> {
  const { count, backplane, fronted = false, collects = false } = options;
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const env = {
    BACKPLANE: backplane,
    OVERLOAD_LAG_MS: "60000",
    LOG_LEVEL: "warn",
    // All peers have one address.
    CLIENT_JOIN_BURST: "100000",
    CLIENT_EVENT_BURST: "10000000",
    ...(collects ? heapVariables(options.heapSnapshot) : {}),
  };
  const replicas = [];
  for (let at = 1; at <= count; at += 1) {
    const replica = await startReplica(`signaling-${at}`, redis.url, env, undefined, options.checkout);
    started.use(replica.program);
    replicas.push(replica);
  }
  const contender = {
    name: options.checkout === undefined ? ("ours" as const) : ("other" as const),
    servers: replicas.map(({ url, program }) => ({ url, pid: program.pid })),
    redisPid: redis.process().pid,
  };
  const proxy = fronted
    ? await startProxyProgram([], {
        REPLICAS: replicas.map(({ nodeId, url, adminUrl }) => `${nodeId}=${url}|${adminUrl}/readyz`).join(","),
      })
    : undefined;
  if (proxy !== undefined) started.use(proxy);
  const stack = started.move();
  const end = { [Symbol.asyncDispose]: () => stack.disposeAsync() };
  return proxy === undefined
    ? { ...contender, ...end }
    : { ...contender, ...end, front: { url: proxy.url, pid: proxy.program.pid } };
}

/** Plain Socket.IO servers, and HAProxy. */
export async function startRecipe(options: Options): Promise<Contender> {
  const { count, backplane, fronted = false, collects = false } = options;
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const servers = [];
  for (let at = 1; at <= count; at += 1) {
    const port = await freePort();
    const file = join(import.meta.dirname, "recipe.ts");
    const program = started.use(
      // The measure is the memory of a peer, not the growth of V8's young generation.
      startProgram(
        "node",
        [...(collects ? nodeFlags : []), file, `plain-${at}`, String(port), redis.url, backplane],
        collects ? heapVariables(options.heapSnapshot) : {},
      ),
    );
    const url = `http://127.0.0.1:${port}`;
    await until(
      `the plain server ${at} answers`,
      async () => (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).ok,
    );
    servers.push({ url, port, pid: program.pid });
  }
  const port = await freePort();
  const config = join(mkdtempSync(join(tmpdir(), "bench-haproxy-")), "haproxy.cfg");
  writeFileSync(config, haproxyConfig(port, servers));
  const haproxy = fronted ? started.use(startProgram("haproxy", ["-q", "-db", "-f", config])) : undefined;
  const url = `http://127.0.0.1:${port}`;
  if (haproxy !== undefined)
    await until("HAProxy answers", async () => (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).ok);
  const stack = started.move();
  return {
    name: "other",
    servers,
    redisPid: redis.process().pid,
    ...(haproxy === undefined ? {} : { front: { url, pid: haproxy.pid } }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const haproxyConfig = (port: number, servers: readonly { port: number }[]): string => `
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend public
  bind 127.0.0.1:${port}
  default_backend signaling
backend signaling
  balance roundrobin
  cookie sticky insert indirect nocache
${servers.map((server, at) => `  server plain-${at + 1} 127.0.0.1:${server.port} cookie plain-${at + 1} check inter 500ms`).join("\n")}
`;
