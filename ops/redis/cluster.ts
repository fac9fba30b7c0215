import { CannotError, type Engine, type ServiceId, type ServiceStatus } from "../stack/engine.ts";
import { askRedis } from "./ask.ts";
import { isRedis } from "./ids.ts";

/** The slots of a Redis Cluster. */
const allSlots = 16_384;

/** A server of a Redis Cluster, as another server sees it. */
export interface ClusterServer {
  id: ServiceId;
  /** False if the server that was asked does not reach it. */
  reached: boolean;
  /** The primary whose slots it would take over; undefined for a primary. */
  copyOf?: ServiceId | undefined;
  /** Ranges of the slots that it serves. */
  slots: readonly (readonly [from: number, to: number])[];
}

/**
 * Reads an answer to `CLUSTER NODES` (redis.io/docs/latest/commands/cluster-nodes).
 *
 * @param idAt the service at an address, `127.0.0.1:6390` or `redis-2:6379`; servers at other addresses are left out
 */
export function parseNodes(
  lines: readonly string[],
  idAt: (address: string) => ServiceId | undefined,
): ClusterServer[] {
  const nodes = lines.flatMap((line) => {
    const [name = "", address = "", flags = "", primary = "", , , , link = "", ...ranges] = line.split(" ");
    const [, ip = "", port = "", , host = ""] = /^(.*):(\d+)@(\d+)(?:,([^,]*))?/.exec(address) ?? [];
    const id = idAt(`${host === "" ? ip : host}:${port}`);
    return id === undefined ? [] : [{ id, name, flags: flags.split(","), primary, link, ranges }];
  });
  const idOf = (name: string) => nodes.find((node) => node.name === name)?.id;
  return nodes.map(({ id, flags, primary, link, ranges }) => ({
    id,
    reached: link === "connected" && !flags.some((flag) => ["fail", "fail?", "handshake", "noaddr"].includes(flag)),
    copyOf: flags.includes("slave") ? idOf(primary) : undefined,
    // `[93-<-…` is a slot on its way to another server.
    slots: ranges
      .filter((range) => !range.startsWith("["))
      .map((range) => {
        const [from = "", to = from] = range.split("-");
        return [Number(from), Number(to)] as const;
      }),
  }));
}

/** How many slots a server serves. */
export const slotCount = ({ slots }: ClusterServer): number =>
  slots.reduce((sum, [from, to]) => sum + to - from + 1, 0);

/** What each running server says about the cluster; a server that does not answer says nothing. */
async function views(
  engine: Engine,
  services: readonly ServiceStatus[],
): Promise<{ id: ServiceId; view: ClusterServer[] }[]> {
  const servers = services.filter(({ id }) => isRedis(id));
  const idAt = (address: string) => servers.find(({ id }) => engine.redisAddress(id) === address)?.id;
  return Promise.all(
    servers
      // A frozen server would take its time-out.
      .filter(({ state }) => state === "running")
      .map(async ({ id }) => ({ id, view: parseNodes(await askRedis(engine, id, ["CLUSTER", "NODES"]), idAt) })),
  );
}

/**
 * The servers of a cluster among the services of a stack, as the server sees them that reaches the most others. So an
 * old primary that is cut off does not count. Empty if none answers.
 */
export async function clusterServers(engine: Engine, services: readonly ServiceStatus[]): Promise<ClusterServer[]> {
  const reach = (view: readonly ClusterServer[]) => view.filter(({ reached }) => reached).length;
  const [widest] = (await views(engine, services)).map(({ view }) => view).sort((a, b) => reach(b) - reach(a));
  return widest ?? [];
}

/** @throws CannotError if no server serves slots, or none answers */
export async function firstPrimary(engine: Engine, services: readonly ServiceStatus[]): Promise<ServiceId> {
  const serving = (await clusterServers(engine, services)).filter(
    (server) => server.reached && server.slots.length > 0,
  );
  const [first] = serving.map(({ id }) => id).sort();
  if (first === undefined) throw new CannotError("no server of the Redis Cluster serves slots: make status, make heal");
  return first;
}

/** Why the loss of a primary would now not be mended by its copy, a line each. */
export async function clusterObstacles(engine: Engine, services: readonly ServiceStatus[]): Promise<string[]> {
  const servers = services.map(({ id }) => id).filter(isRedis);
  const seen = await views(engine, services);
  const silent = servers.filter((id) => !seen.some((one) => one.id === id && one.view.length > 0));
  if (silent.length > 0) return silent.map((id) => `${id} does not answer`);
  const apart = seen.flatMap(({ id, view }) => {
    const missing = servers.filter((other) => !view.some((server) => server.id === other && server.reached));
    const served = view.filter(({ reached }) => reached).reduce((sum, server) => sum + slotCount(server), 0);
    return [
      ...(missing.length > 0 ? [`${id} does not reach ${missing.join(", ")}`] : []),
      ...(served < allSlots ? [`${id} knows of ${served} of ${allSlots} slots that are served`] : []),
    ];
  });
  if (apart.length > 0) return apart;
  const primaries = (seen[0]?.view ?? []).filter(({ slots }) => slots.length > 0);
  const copied = await Promise.all(
    primaries.map(async ({ id }) => {
      const info = (await askRedis(engine, id, ["INFO", "replication"])).join("\n");
      return /^role:master\r?$/m.test(info) && info.includes("state=online") ? [] : [`no copy follows ${id}`];
    }),
  );
  return copied.flat();
}
