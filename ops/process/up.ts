import { natsIds, usesNats } from "../nats/ids.ts";
import { redisIds, sentinelIds } from "../redis/ids.ts";
import { CannotError, type Engine } from "../stack/engine.ts";
import { proxyIds } from "../stack/proxy-id.ts";
import { replicaIds } from "../stack/replica-id.ts";
import { awaitReady } from "../stack/replica-table.ts";
import { findExecutable } from "./executable.ts";
import { stateOf } from "./identity.ts";
import { destroy, launch, terminate } from "./launcher.ts";
import { natsLaunch } from "./nats-server.ts";
import { observerLaunches } from "./observers/observers.ts";
import {
  balancerLaunch,
  boardLaunch,
  callerLaunch,
  linksLaunch,
  neededCommand,
  proxyLaunch,
  replicaLaunch,
} from "./programs.ts";
import { readiness, readyUrls } from "./readiness.ts";
import { redisLaunch, sentinelLaunch } from "./redis/servers.ts";
import type { Launch, StackLayout, StateDir } from "./state-dir.ts";
import { findStrays } from "./strays.ts";

/** The services of a stack with these replicas, in stages. Each stage waits for the one before. */
function stages(layout: StackLayout, replicas: readonly string[], path: string | undefined): Record<string, Launch>[] {
  const observers = observerLaunches(layout, path);
  const proxies = proxyIds(layout.settings);
  return [
    launches(redisIds(layout.settings), (id) => redisLaunch(layout, id)),
    launches(natsIds(layout.settings), (id) => natsLaunch(layout, id)),
    launches(sentinelIds(layout.settings), (id) => sentinelLaunch(layout, id)),
    { links: linksLaunch(layout) },
    launches(replicas, (id) => replicaLaunch(layout, id)),
    launches(proxies, (id) => proxyLaunch(layout, id, replicas)),
    ...(proxies.length > 1 ? [{ balancer: balancerLaunch(layout, neededBalancer(path)) }] : []),
    { caller: callerLaunch(layout), ...observers, board: boardLaunch(layout, Object.keys(observers)) },
  ];
}

const launches = (ids: readonly string[], launchOf: (id: string) => Launch): Record<string, Launch> =>
  Object.fromEntries(ids.map((id) => [id, launchOf(id)]));

function neededBalancer(path: string | undefined): string {
  const found = findExecutable(["haproxy"], path);
  if (found === undefined) throw new CannotError("PROXIES=2 needs haproxy in front of the proxies: install it");
  return found;
}

/**
 * Refuses settings that do not go together, or not with this host. A stack is recorded only after that.
 *
 * @param path `PATH`, where the balancer is looked for
 * @throws CannotError in one line
 */
export function refuseSettings({ settings, app }: StackLayout, path: string | undefined): void {
  const { REDIS: redis = "single", BACKPLANE: backplane } = settings;
  if (redis === "cluster" && backplane !== undefined && backplane !== "sharded")
    throw new CannotError(`REDIS=cluster needs BACKPLANE=sharded, not ${backplane}: leave BACKPLANE out`);
  if (redis === "sentinel" && usesNats(settings))
    throw new CannotError("BACKPLANE=nats uses no Redis: leave REDIS=sentinel out");
  if (app !== undefined) {
    const servers = usesNats(settings) ? "BACKPLANE=nats" : redis === "single" ? undefined : `REDIS=${redis}`;
    if (servers !== undefined)
      throw new CannotError(`${servers} is for the replicas of the kit: an application gets the address of one Redis`);
    neededCommand(app);
  }
  if (proxyIds(settings).length > 1) neededBalancer(path);
}

/**
 * Starts every service that is not running and resolves when all are ready and the proxy routes to every replica.
 * It does not change a running stack. If a service cannot be started, the services started before it keep running, for
 * `logs`. `refuseSettings` has accepted its settings.
 *
 * @throws Error once `signal` is aborted
 */
export async function bringUp(options: {
  engine: Engine;
  layout: StackLayout;
  state: StateDir;
  baseEnv: NodeJS.ProcessEnv;
  print: (line: string) => void;
  signal?: AbortSignal;
}): Promise<void> {
  const { engine, layout, state, baseEnv, print, signal } = options;
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("interrupted")), { once: true });
  });
  const replicas = replicaIds(3);
  for (const stage of stages(layout, replicas, baseEnv["PATH"])) {
    const started = Promise.all(
      Object.entries(stage).map(async ([id, wanted]) => {
        const record = state.service(id);
        if (record?.process != null && stateOf(record.process) !== "gone") return;
        const isReady = readiness(id, engine.endpoints, readyUrls(layout, id));
        await launch(state, id, wanted, baseEnv, async () => {
          signal?.throwIfAborted();
          return isReady();
        });
        print(`started ${id}`);
      }),
    );
    await Promise.race([started, interrupted]);
  }
  await Promise.race([awaitReady(engine.endpoints, replicas), interrupted]);
}

/** Stops every process of the stack in any state, and removes the record. Returns the services that ran. */
export async function takeDown(state: StateDir): Promise<string[]> {
  const records = state.services();
  const order = (id: string) =>
    ["board", "caller", "balancer", "proxy", "signaling", "links", "sentinel", "redis", "nats"].findIndex((name) =>
      id.startsWith(name),
    );
  const ran: string[] = [];
  // Callers and proxy stop first, so that the stop of a replica does not count as a failure. Redis stops last.
  const groups = Map.groupBy(records, ({ id }) => order(id));
  for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
    await Promise.all(
      group.map(async (record) => {
        if (await terminate(record, 3_000)) ran.push(record.id);
        else await destroy(record);
      }),
    );
  }
  for (const stray of findStrays(state.dir)) {
    await destroy({ id: "a stray process", process: stray });
    ran.push(`stray pid ${stray.pid}`);
  }
  state.clear();
  return ran;
}
