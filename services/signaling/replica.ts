import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { AdminError } from "../../common/admin-access.ts";
import { createAdminServer } from "../../common/admin-server.ts";
import { crossOriginAdvice } from "../../common/cross-origin.ts";
import type { Log } from "../../common/log.ts";
import { createBackplane } from "./backplane/create-backplane.ts";
import { createReplicaChannels, openInbox } from "./backplane/replica-channel.ts";
import type { Config } from "./config.ts";
import { createEventLoopGuard } from "./event-loop-guard.ts";
import type { Connection } from "./gateways/connection.ts";
import { createRawWsGateway } from "./gateways/raw-ws-gateway.ts";
import { createSocketIoGateway } from "./gateways/socketio-gateway.ts";
import { createClientBudgets } from "./intake/client-budgets.ts";
import { createLedger } from "./intake/ledger.ts";
import { boundOpenHeads } from "./intake/open-heads.ts";
import { Turns } from "./intake/turns.ts";
import { createMetrics } from "./metrics.ts";
import { createPage } from "./page.ts";
import { createBarrier } from "./presence/barrier.ts";
import { createDirectory } from "./presence/directory.ts";
import { createDrain } from "./presence/drain.ts";
import type { Gossip } from "./presence/gossip.ts";
import { createPresence } from "./presence/presence.ts";
import { pulseRoute } from "./pulse.ts";
import { createResumeTokens } from "./rooms/resume-token.ts";
import { createSwitchboard, type Switchboard } from "./rooms/switchboard.ts";

/** Used, and said so once, when RESUME_SECRET is unset: it must be the same on every replica. */
const developmentSecret = "hold-the-line-development";

/**
 * How long the HTTP server keeps an idle connection, ms: longer than the proxy's agent, or reuse races into a reset.
 */
const keepAliveTimeoutMs = 75_000;

/** Time for closing handshakes after a drain, ms. */
const closesWithinMs = 5_000;

/** A drain at shutdown takes at most this share of the grace period. */
const shareOfGrace = 0.7;

/** A replica, connected to its backplane and listening. Rejects when either cannot be had. */
export async function startReplica(config: Config, log: Log) {
  const metrics = createMetrics();
  const directory = createDirectory();
  let state: "starting" | "ready" | "draining" = "starting";

  if (config.RESUME_SECRET === undefined) log.warn("RESUME_SECRET is unset: resume tokens can be forged");
  // With session recovery every signal must be on the stream.
  const recovers = config.BACKPLANE === "streams" || (config.BACKPLANE === "nats" && config.NATS_RECOVERY === "on");
  const addressed = config.RELAY === "addressed" && !recovers;
  const backplane = await createBackplane(config, { nodeId: config.NODE_ID, addressed, log, metrics });
  const page = createPage(config.PAGE_DIR, config.PAGE_URLS, log);
  const http = createServer((request, response) => {
    page(request, response).catch((err: unknown) => {
      log.error({ err }, "page request failed");
      response.destroy();
    });
  });
  http.keepAliveTimeout = keepAliveTimeoutMs;
  boundOpenHeads(http);
  const unfinished = createLedger(config.MAX_UNFINISHED_BYTES);
  const unread = createLedger(config.MAX_UNREAD_BYTES);
  const channels = createReplicaChannels(backplane);
  const clients = createClientBudgets(config);
  const limitRules = { config, clients, onClientLimit: (limit: string) => metrics.clientLimited.inc({ limit }) };
  const shared = { config, http, backplane, unfinished, unread, turns: new Turns(), limitRules, metrics, log };
  const gateway = createSocketIoGateway({ ...shared, channels });
  const rawGateway = createRawWsGateway(shared);
  const guard = createEventLoopGuard(config.OVERLOAD_LAG_MS);
  let switchboard: Switchboard | undefined;
  const presence = createPresence({
    nodeId: config.NODE_ID,
    graceMs: config.AWAY_GRACE_MS,
    directory,
    backplane,
    abilities: { addressed },
    emit(gossip: Gossip, to?: string) {
      if (to === undefined) gateway.gossip(gossip);
      else channels.gossip(to, gossip);
    },
    local: {
      tell(...told) {
        gateway.tell(...told);
        rawGateway.tell(...told);
      },
      supersede: (peerId) => switchboard?.supersede(peerId),
    },
    log,
  });
  switchboard = createSwitchboard({
    config,
    directory,
    backplane,
    presence,
    resumeTokens: createResumeTokens(config.RESUME_SECRET ?? developmentSecret),
    relay: (relay) => gateway.relay(relay) + rawGateway.relay(relay),
    draining: () => state === "draining",
    overloaded: guard.overloaded,
    metrics,
    log,
  });
  const leave = (connection: Connection) => (connection.rooms.size === 0 ? undefined : drain.leave(connection));
  gateway.serve(switchboard, { onGossip: presence.receive, leave });
  rawGateway.serve(switchboard, leave);
  await openInbox(backplane, config.NODE_ID, {
    onGossip: presence.receive,
    // A relay also arrives by broadcast from replicas that do not know this one's capabilities yet.
    onRelay: addressed ? gateway.receive : () => undefined,
  });
  const barrier = await createBarrier(backplane, config.NODE_ID, log);
  function* connections() {
    yield* gateway.connections();
    yield* rawGateway.connections();
  }
  const drain = createDrain({
    connections,
    announceAway: switchboard.announce,
    announced: barrier.pass,
    log,
  });
  let closing = false;
  function startDrain(withinMs?: number): void {
    state = "draining";
    metrics.draining.set(1);
    log.info({ perSecond: config.DRAIN_PER_SECOND }, "draining");
    drain.start(config.DRAIN_PER_SECOND, withinMs);
  }
  const census = setInterval(
    () => metrics.rooms.set(new Set([...gateway.roomIds(), ...rawGateway.roomIds()]).size),
    1_000,
  );

  const admin = createAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    registry: metrics.registry,
    log,
    hostnames: [config.NODE_ID, ...config.ADMIN_HOSTNAMES],
    token: config.ADMIN_TOKEN,
    routes: {
      "GET /readyz": () => {
        const node = config.NODE_ID;
        if (state !== "ready") return { status: 503, body: { node, state } };
        if (!backplane.up()) return { body: { node, state: "degraded", reason: "backplane is down" } };
        return { body: { node, state } };
      },
      "POST /drain": () => {
        if (state !== "draining") startDrain();
        return { status: 202, body: { node: config.NODE_ID, state } };
      },
      "POST /undrain": () => {
        if (closing) throw new AdminError(409, "shutting down: that cannot be reverted");
        drain.stop();
        state = "ready";
        metrics.draining.set(0);
        return { body: { node: config.NODE_ID, state } };
      },
      "GET /rooms/:id": ({ params }) => {
        const members = [...directory.members(params["id"] ?? "")];
        return { body: { room: params["id"], members: members.map(({ since: _, ...member }) => member) } };
      },
      ...pulseRoute({
        nodeId: config.NODE_ID,
        state: () => (state === "ready" && !backplane.up() ? "degraded" : state),
        bus: config.BACKPLANE === "nats" ? "nats" : "redis",
        backplaneUp: backplane.up,
        connections,
        metrics,
      }),
    },
  });

  // The first peer that joins here must find the members of its room on other replicas.
  presence.introduce(await barrier.whoIsThere());
  await Promise.all([barrier.pass(), presence.synced()]);
  const adminAddress = await admin.listen();
  const address = await new Promise<AddressInfo>((resolve, reject) => {
    http.once("error", reject);
    http.listen(config.PORT, config.HOST, () => resolve(http.address() as AddressInfo));
  });
  state = "ready";
  const advice = crossOriginAdvice(config.ALLOWED_ORIGINS);
  if (advice !== undefined) log.warn(advice);
  log.info({ port: address.port, adminPort: adminAddress.port, backplane: config.BACKPLANE }, "replica is ready");

  return {
    port: address.port,
    adminPort: adminAddress.port,
    async close(): Promise<void> {
      closing = true;
      // All must be gone before the grace period ends, whatever the pace would be.
      startDrain(config.GRACE_MS * shareOfGrace);
      await drain.empty();
      drain.stop();
      rawGateway.close();
      const closed = gateway.io.close();
      // The connections that are still open are idle ones of the proxy's agent, and pages.
      http.closeAllConnections();
      // A WebSocket whose client has gone would hold the HTTP server for 30 s. The end of the process ends it.
      await Promise.race([closed, delay(closesWithinMs)]);
      clearInterval(census);
      clients.close();
      guard.close();
      presence.close();
      await backplane.close();
      await admin.close();
    },
  };
}
