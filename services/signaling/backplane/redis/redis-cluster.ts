import type { ConnectionScope } from "../reconnector.ts";
import { hashSlot } from "./hash-slot.ts";
import { connectClient, countListeners, openAnswering, openSingle, type RedisConnection } from "./redis-connection.ts";
import { nodeTarget, type RedisTarget } from "./redis-target.ts";

/** A connection for sharded pub/sub; `primaries` is 1 without a cluster. */
export type ShardedConnection = RedisConnection & { primaries: number };

/**
 * Connects to all primaries of a Redis Cluster, or to a single Redis. The first reachable node tells which of the two
 * it is.
 *
 * The slots are looked up once. A channel that has moved (failover, resharding) ends this scope; the next one looks
 * them up again. That is all the cluster support that shard channels need, and it cannot be half up.
 */
export async function openSharded(target: RedisTarget, scope: ConnectionScope): Promise<ShardedConnection> {
  const shards = await findShards(target, scope);
  if (shards === null) return { ...(await openSingle(target, scope)), primaries: 1 };

  const nodes = new Map<string, Promise<RedisConnection>>();
  for (const { url, node } of shards) if (!nodes.has(url)) nodes.set(url, openAnswering(node, scope));
  const primaries = await Promise.all(nodes.values());
  const bySlot = new Array<RedisConnection>(16_384);
  for (const { url, from, to } of shards) bySlot.fill(await (nodes.get(url) as Promise<RedisConnection>), from, to + 1);

  function of(channel: string): RedisConnection {
    const primary = bySlot[hashSlot(channel)];
    if (primary === undefined) throw new Error(`no primary serves the slot of ${channel}`);
    return primary;
  }
  const watched = (sent: Promise<unknown> | undefined): Promise<unknown> =>
    Promise.resolve(sent).catch((error: Error) => {
      if (/^(MOVED|ASK|CLUSTERDOWN)/.test(error.message)) scope.abort(new Error(`cluster changed: ${error.message}`));
      throw error;
    });
  const command = async (args: string[]) =>
    (await Promise.all(primaries.map((primary) => primary.command(args)))).flat();
  return {
    primaries: primaries.length,
    publish: async (kind, channel, message) => watched(of(channel).publish(kind, channel, message)),
    subscribe: async (kind, channel, listener) => watched(of(channel).subscribe(kind, channel, listener)),
    unsubscribe: async (kind, channel) => watched(of(channel).unsubscribe(kind, channel)),
    listeners: (kind, channel) => countListeners(command, kind, channel),
    command,
    destroy() {
      for (const primary of primaries) primary.destroy();
    },
  };
}

/** The slots of each primary; null without a cluster. Asks the nodes in turn until one answers. */
async function findShards(target: RedisTarget, scope: ConnectionScope) {
  let last: unknown;
  for (const url of target.urls) {
    // It needs a scope of its own, because a lost node does not matter while another answers.
    const trial = new AbortController();
    const node = { ...target, urls: [url] };
    const seed = connectClient(node, "seed", trial);
    const giveUp = () => trial.abort(scope.signal.reason);
    scope.signal.addEventListener("abort", giveUp, { once: true });
    try {
      await seed.connect();
      const info = String(await seed.sendCommand(["INFO", "cluster"]));
      if (!/cluster_enabled:1/.test(info)) return null;
      const slots = await seed.clusterSlots();
      return slots.map(({ from, to, master }) => {
        const primary = nodeTarget(node, master.host, master.port);
        return { from, to, node: primary, url: primary.urls[0] ?? "" };
      });
    } catch (error) {
      last = error;
    } finally {
      scope.signal.removeEventListener("abort", giveUp);
      seed.destroy();
    }
    scope.signal.throwIfAborted();
  }
  throw last;
}
