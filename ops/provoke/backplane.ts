import { CannotError } from "../stack/engine.ts";
import type { Stack } from "../stack/open-stack.ts";
import { isReplica } from "../stack/replica-id.ts";
import type { Provocation } from "./provocation.ts";

/** Channel without other subscribers. */
const channel = "hold-the-line:provoked";
/**
 * More than Redis' default hard limit of a subscriber's output buffer (32 MB), published at once, so that no reader is
 * fast enough.
 */
const flood = `for n = 1, 40 do redis.call('publish', KEYS[1], string.rep('x', 1048576)) end return 'done'`;

async function redis(stack: Stack, ...args: string[]): Promise<string> {
  const lines: string[] = [];
  for await (const line of stack.engine.redisCli(args, AbortSignal.timeout(10_000))) lines.push(line);
  return lines.join("\n");
}
const field = (text: string, name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(text)?.[1] ?? "";

/** A module that sets the clock of a program of Node ahead. */
const clockAhead = "--import=data:text/javascript,const%20own=Date.now;Date.now=()=>own()+700";

/** Provocations of the alerts about the backplane and Redis. */
export const backplaneProvocations: Readonly<Record<string, Provocation>> = {
  SignalingBackplaneDown: {
    how: "cuts every replica from the backplane",
    async begin({ stack, act }) {
      const services = (await stack.engine.services()).map(({ id }) => id);
      for (const id of services.filter(isReplica)) await act("partition", id);
    },
    withinSeconds: 30,
  },
  SignalingBackplanePartitioned: {
    how: "cuts signaling-2 from the backplane",
    begin: async ({ act }) => void (await act("partition", "signaling-2")),
    withinSeconds: 30,
  },
  SignalingClockSkew: {
    how: "restarts signaling-2 with a clock that is 700 ms ahead",
    begin: async ({ stack }) => void (await stack.engine.restart("signaling-2", { NODE_OPTIONS: clockAhead })),
    end: async ({ stack }) => void (await stack.engine.restart("signaling-2")),
    withinSeconds: 120,
  },
  SignalingRelaySlow: {
    how: "adds 200 ms (±50) between every replica and Redis",
    begin: async ({ act }) => void (await act("slow", "redis", { latencyMs: 200, jitterMs: 50 })),
    withinSeconds: 60,
  },
  RedisDown: {
    how: "kills Redis",
    begin: async ({ act }) => void (await act("kill", "redis")),
    withinSeconds: 30,
  },
  RedisMemoryHigh: {
    how: "sets Redis' maxmemory to slightly more than it uses",
    async begin({ stack, notes }) {
      notes.set("maxmemory", (await redis(stack, "CONFIG", "GET", "maxmemory")).split("\n")[1] ?? "0");
      const used = Number(field(await redis(stack, "INFO", "memory"), "used_memory"));
      await redis(stack, "CONFIG", "SET", "maxmemory", String(Math.round(used * 1.1)));
    },
    end: async ({ stack, notes }) =>
      void (await redis(stack, "CONFIG", "SET", "maxmemory", notes.get("maxmemory") ?? "0")),
    withinSeconds: 30,
  },
  RedisPubSubClientDropped: {
    how: "subscribes, and publishes 40 MB at once",
    async begin({ stack, signal }) {
      const version = field(await redis(stack, "INFO", "server"), "redis_version");
      const [major = 0, minor = 0] = version.split(".").map(Number);
      if (major < 7 || (major === 7 && minor < 4))
        throw new CannotError(`Redis ${version} does not count dropped subscribers: 7.4 does (ENGINE=compose has it)`);
      const subscriber = stack.engine.redisCli(
        ["SUBSCRIBE", channel],
        AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
      );
      await subscriber[Symbol.asyncIterator]().next();
      await redis(stack, "EVAL", flood, "1", channel);
    },
    withinSeconds: 30,
  },
};
