import { createClient } from "redis";
import { freePort } from "../free-port.ts";
import { until } from "../poll.ts";
import { type RedisServer, startRedisServer } from "../redis-server.ts";

export interface RedisCluster {
  primaries: readonly RedisServer[];
  /** Resolves when every primary reports a complete cluster. */
  whole(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const slots = 16_384;

/** A real Redis Cluster of `count` primaries on the loopback interface. */
export async function startRedisCluster(count = 3): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: count }, freePort));
  const primaries = await Promise.all(
    busPorts.map((bus) =>
      startRedisServer([
        ...["--cluster-enabled", "yes", "--cluster-port", String(bus)],
        ...["--cluster-node-timeout", "1500", "--cluster-config-file", "nodes.conf"],
      ]),
    ),
  );
  for (const [index, primary] of primaries.entries()) {
    const from = Math.floor((index * slots) / count);
    const to = Math.floor(((index + 1) * slots) / count) - 1;
    await command(primary, ["CLUSTER", "ADDSLOTSRANGE", String(from), String(to)]);
    const [first] = primaries;
    if (first !== undefined && index > 0)
      await command(primary, ["CLUSTER", "MEET", "127.0.0.1", String(first.port), String(busPorts[0])]);
  }
  const whole = async () => {
    await until(
      "the cluster is whole",
      async () => {
        const infos = await Promise.all(primaries.map((primary) => command(primary, ["CLUSTER", "INFO"])));
        return infos.every(
          (info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${count}`),
        );
      },
      { withinMs: 20_000 },
    );
  };
  await whole();
  return {
    primaries,
    whole,
    async [Symbol.asyncDispose]() {
      await Promise.all(primaries.map((primary) => primary[Symbol.asyncDispose]()));
    },
  };
}

/** Sends one command on a connection of its own. Returns the answer as text. */
export async function command({ url }: Pick<RedisServer, "url">, args: string[]): Promise<string> {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
  // The command's rejection reports the error.
  client.on("error", () => client.destroy());
  await client.connect();
  try {
    return String(await client.sendCommand(args));
  } finally {
    client.destroy();
  }
}
