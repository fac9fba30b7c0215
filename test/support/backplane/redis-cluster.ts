import { createClient } from "redis";
import { createLog } from "../../../common/log.ts";
import { createLink } from "../../../ops/link/link.ts";
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
  /**
   * Kills all servers and starts them at other addresses, as an orchestrator may. Each then meets the others by name, as
   * a start script does: no server knows an address of another.
   *
   * @param options.meets false leaves that out
   */
  restartElsewhere(options?: { meets?: boolean }): Promise<void>;
  /** Gives each server a name: a URL that leads to it wherever it is. */
  name(): Promise<string[]>;
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
      startRedisServer((host) => [
        ...["--cluster-enabled", "yes", "--cluster-port", String(bus), "--cluster-announce-ip", host],
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
  /** The last number of the last server's address. Restarts use others. */
  let lastHost = 1;
  const names: ReturnType<typeof createLink>[] = [];
  return {
    primaries,
    nodes,
    whole,
    async restartElsewhere({ meets = true } = {}) {
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map((node) => node.start(`127.0.0.${++lastHost}`)));
      for (const node of nodes)
        for (const [index, other] of nodes.entries())
          if (meets && other !== node)
            await command(node, ["CLUSTER", "MEET", hostOf(other), String(other.port), String(busPorts[index])]);
    },
    async name() {
      const urls: string[] = [];
      for (const node of nodes) {
        const at = { host: "127.0.0.1", port: await freePort() };
        const to = {
          get host() {
            return hostOf(node);
          },
          port: node.port,
        };
        const link = createLink(`link-${at.port}`, at, to, createLog({ service: "links", level: "fatal" }));
        await link.open();
        names.push(link);
        urls.push(`redis://${at.host}:${at.port}`);
      }
      return urls;
    },
    async [Symbol.asyncDispose]() {
      for (const link of names) link.close();
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

const hostOf = ({ url }: RedisServer) => new URL(url).hostname;

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
