import { inboxPrefix } from "../logs/backplane-messages.ts";
import type { Engine } from "../stack/engine.ts";
import { pause } from "../wait/pause.ts";
import { askRedis } from "./ask.ts";
import { clusterServers } from "./cluster.ts";
import { roleOf } from "./roles.ts";

/** How often the servers are asked, ms. */
const askEveryMs = 1_000;

/**
 * Follows a Redis Cluster until `signal` is aborted: a line for each change of a server's role and slots, and of where a
 * replica listens. The messages go by shard channels, each to the server of its slot, so no single server has all.
 */
export async function* watchCluster(engine: Engine, signal: AbortSignal): AsyncGenerator<string> {
  let before = new Map<string, string>();
  while (!signal.aborted) {
    const now = await look(engine);
    for (const [id, words] of now) if (before.get(id) !== words) yield `${id.padEnd(15)} ${words}`;
    before = now;
    await pause(askEveryMs, signal);
  }
}

/** What each server serves, and at which server each replica listens. */
async function look(engine: Engine): Promise<Map<string, string>> {
  const services = await engine.services();
  const servers = await clusterServers(engine, services);
  const serving = servers.filter((server) => server.reached && server.slots.length > 0);
  const listening = await Promise.all(
    serving.map(async ({ id }) => {
      const channels = await askRedis(engine, id, ["PUBSUB", "SHARDCHANNELS", `${inboxPrefix}*`]);
      return channels
        .filter((line) => line.startsWith(inboxPrefix))
        .map((line) => [line.slice(inboxPrefix.length), id] as const);
    }),
  );
  const heard = new Map(listening.flat().map(([replica, id]) => [replica, `listens at ${id}`]));
  const replicas = services.map(({ id }) => id).filter((id) => id.startsWith("signaling-"));
  return new Map([
    ...servers.map((server) => [server.id, server.reached ? roleOf(server) : "is not reached"] as const),
    ...replicas.map((id) => [id, heard.get(id) ?? "listens nowhere"] as const),
  ]);
}
