import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import httpProxy from "http-proxy";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { startRedisServer } from "../support/redis-server.ts";

const server = join(import.meta.dirname, "../../examples/chat/server.ts");

/** Three processes of the example chat on one Redis. */
export interface Chats extends AsyncDisposable {
  replicas: readonly { id: string; port: number; pid: number }[];
  redisUrl: string;
}

/** Starts the three processes and resolves when they are ready. */
export async function startChats(): Promise<Chats> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const replicas = await Promise.all(
    ["signaling-1", "signaling-2", "signaling-3"].map(async (id) => {
      const port = await freePort();
      const env = { PORT: String(port), HOST: "127.0.0.1", NODE_ID: id, REDIS_URL: redis.url };
      const program = started.use(startProgram(process.execPath, [server], env));
      await until(`${id} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok);
      return { id, port, pid: program.pid };
    }),
  );
  const all = started.move();
  return { replicas, redisUrl: redis.url, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/**
 * A typical load balancer of stock http-proxy: each request goes to the next replica.
 *
 * @param options.timeoutMs time-out of an answer
 * @param options.upgrades false: it supports no WebSocket
 */
export async function startRoundRobin(
  ports: readonly number[],
  { timeoutMs = 60_000, upgrades = true }: { timeoutMs?: number; upgrades?: boolean } = {},
): Promise<{ url: string } & AsyncDisposable> {
  const proxy = httpProxy.createProxyServer({ proxyTimeout: timeoutMs });
  let turn = 0;
  const target = () => `http://127.0.0.1:${ports[turn++ % ports.length]}`;
  proxy.on("error", (_error, _request, response) => {
    if ("writeHead" in response) response.writeHead(504).end();
    else response.destroy();
  });
  const http = createServer((request, response) => proxy.web(request, response, { target: target() }));
  if (upgrades) http.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head, { target: target() }));
  else http.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/**
 * A load balancer that hashes a cookie of its own over the replicas that answer their health check, and keeps no state:
 * a returning replica gets sessions that other replicas opened meanwhile.
 */
export async function startForgetful(ports: readonly number[]): Promise<{ url: string } & AsyncDisposable> {
  const proxy = httpProxy.createProxyServer({});
  let alive: readonly number[] = ports;
  let made = 0;
  proxy.on("error", (_error, _request, response) => response.end());
  const probing = setInterval(async () => {
    const answers = await Promise.all(
      ports.map((port) =>
        fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(300) }).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    );
    alive = ports.filter((_, index) => answers[index]);
  }, 200);
  const portOf = (who: number) => {
    const home = ports[who % ports.length] ?? 0;
    return alive.includes(home) ? home : (alive[who % alive.length] ?? home);
  };
  const http = createServer((request, response) => {
    const known = /who=(\d+)/.exec(request.headers.cookie ?? "")?.[1];
    const who = known === undefined ? made++ : Number(known);
    if (known === undefined) response.setHeader("set-cookie", `who=${who}`);
    proxy.web(request, response, { target: `http://127.0.0.1:${portOf(who)}` });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      clearInterval(probing);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
