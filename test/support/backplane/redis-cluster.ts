import { createClient } from "redis";
import { freePort } from "../free-port.ts";
import { until } from "../poll.ts";
import { type RedisServer, startRedisServer } from "../redis-server.ts";

export interface RedisCluster {
  /** The servers that began as primaries. */
  primaries: readonly RedisServer[];
  /** All servers. */
  nodes: readonly RedisServer[];
  /** Resolves when every primary reports a complete cluster. */
  whole(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const slots = 16_384;

/** A real Redis Cluster of `count` primaries on the loopback interface, and a copy of each if `copied`. */
export async function startRedisCluster({
  count = 3,
  copied = false,
  nodeTimeoutMs = 1_500,
} = {}): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: copied ? 2 * count : count }, freePort));
  const nodes = await Promise.all(
    busPorts.map((bus) =>
      startRedisServer([
        ...["--cluster-enabled", "yes", "--cluster-port", String(bus)],
        ...["--cluster-node-timeout", `${nodeTimeoutMs}`, "--cluster-config-file", "nodes.conf"],
      ]),
    ),
  );
  const primaries = nodes.slice(0, count);
  for (const [index, node] of nodes.entries()) {
    const from = Math.floor((index * slots) / count);
    const to = Math.floor(((index + 1) * slots) / count) - 1;
    if (index < count) await command(node, ["CLUSTER", "ADDSLOTSRANGE", String(from), String(to)]);
    const [first] = nodes;
    if (first !== undefined && index > 0)
      await command(node, ["CLUSTER", "MEET", "127.0.0.1", String(first.port), String(busPorts[0])]);
  }
  const whole = async () => {
    await until(
      "the cluster is whole",
      async () => {
        const infos = await Promise.all(nodes.map((node) => command(node, ["CLUSTER", "INFO"])));
        return infos.every(
          (info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodes.length}`),
        );
      },
      { withinMs: 20_000 },
    );
  };
  await whole();
  for (const [index, copy] of nodes.slice(count).entries()) {
    const id = await command(primaries[index] as RedisServer, ["CLUSTER", "MYID"]);
    await until("its primary is known", async () => (await command(copy, ["CLUSTER", "REPLICATE", id])) === "OK");
  }
  return {
    primaries,
    nodes,
    whole,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
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
