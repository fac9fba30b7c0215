import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { freePort } from "./free-port.ts";
import { until } from "./poll.ts";
import { type Program, startProgram } from "./program.ts";

/** A real redis-server on a free port of the loopback interface. */
export interface RedisServer {
  readonly url: string;
  port: number;
  process(): Program;
  /** Sends SIGKILL. The port stays reserved for `start`. */
  kill(): Promise<void>;
  /** Starts it again on the same port, there or at another address, and resolves when it answers. */
  start(host?: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param args arguments, which may depend on its address */
export async function startRedisServer(
  args: readonly string[] | ((host: string) => readonly string[]) = [],
): Promise<RedisServer> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "redis-"));
  let host = "127.0.0.1";
  const url = () => `redis://${host}:${port}`;
  let program: Program;

  async function start(at = host): Promise<void> {
    host = at;
    program = startProgram("redis-server", [
      ...["--port", String(port), "--bind", host, "--dir", dir, "--save", "", "--appendonly", "no"],
      ...(typeof args === "function" ? args(host) : args),
    ]);
    program.child.once("error", (error) => {
      throw new Error(`redis-server cannot be started (apt-get install redis-server): ${error.message}`);
    });
    await until("redis-server answers PING", async () => {
      const client = createClient({ url: url(), disableOfflineQueue: true, socket: { reconnectStrategy: false } });
      client.on("error", () => client.destroy());
      await client.connect();
      const answer = await client.ping();
      client.destroy();
      return answer === "PONG";
    });
  }

  await start();
  return {
    get url() {
      return url();
    },
    port,
    process: () => program,
    kill: () => program[Symbol.asyncDispose](),
    start,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
