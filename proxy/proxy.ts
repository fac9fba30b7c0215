import { readFileSync } from "node:fs";
import type { Server as HttpsServer } from "node:https";
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createAdminServer } from "../common/admin-server.ts";
import { crossOriginAdvice } from "../common/cross-origin.ts";
import { listenOn } from "../common/http/listening.ts";
import type { Log } from "../common/log.ts";
import { adminRoutes } from "./admin.ts";
import { defaultStickySecret, type ProxyConfig } from "./config.ts";
import { createProxyDrain } from "./drain.ts";
import { createConnectQueue } from "./fairness/connect-queue.ts";
import { createIdleConnections } from "./fairness/idle-connections.ts";
import { Turns } from "./fairness/turns.ts";
import type { HandlerDeps } from "./handler-deps.ts";
import { createProber } from "./health/prober.ts";
import { createConnectionLimits } from "./listen/connection-limits.ts";
import { createPendingBytes } from "./listen/pending-bytes.ts";
import { createProxyProtocolServer } from "./listen/proxy-protocol.ts";
import { createPublicServer } from "./listen/public-server.ts";
import { createRedirect } from "./listen/redirect.ts";
import { createMetrics } from "./metrics.ts";
import { createAddressBook } from "./names/address-book.ts";
import { createMembership } from "./names/membership.ts";
import { createResolver } from "./names/resolver.ts";
import { createPolling } from "./polling/polling.ts";
import { createAdmission } from "./routing/admission.ts";
import { createAttempts } from "./routing/attempts.ts";
import { createReplicaTable, type ReplicaTable } from "./routing/replica-table.ts";
import { createSessions } from "./routing/sessions.ts";
import { createShedder } from "./routing/shedder.ts";
import { openTableFile } from "./routing/table-file.ts";
import { createGate } from "./screen/gate.ts";
import { shutDown } from "./shutdown.ts";
import type { Tuning } from "./tuning/tuning.ts";
import { createUpgrades } from "./upgrade/upgrades.ts";

/** Interval of the check for idle tunnels and silent requests, ms. */
const sweepMs = 1_000;
/** Interval at which clients' unfinished and unread bytes are added up, ms. */
const pendingSweepMs = 500;
/** The proxy listens once every replica was probed, or after this time, since a resolver may not answer, ms. */
const firstLookMs = 3_000;
/** Connections that the system keeps until the proxy accepts them. */
const backlog = 4_096;

/** The sticky-routing proxy: wires its parts, listens, and closes in order. */
export function createProxy(config: ProxyConfig, { log, tuning }: { log: Log; tuning: Tuning }) {
  let closing = false;
  const metrics = createMetrics({ table: (): ReplicaTable => table, staleNames: () => book.stale().length });
  const table = createReplicaTable(
    { fall: config.PROBE_FALL, rise: config.PROBE_RISE },
    {
      onState({ spec, state }, from) {
        log.info({ replica: spec.id, from, state }, "replica state");
        shedder.stateChanged();
      },
      onFailing({ spec }, reason) {
        log.warn({ replica: spec.id, readyUrl: spec.readyUrl.href, reason }, "a readiness probe (GET) fails");
      },
      onEjected({ spec, tunnels, inFlight }, cause) {
        metrics.ejections.inc(spec.id, cause);
        log.warn({ replica: spec.id, cause, tunnels: tunnels.size, requests: inFlight.size }, "replica ejected");
      },
    },
  );
  const prober = createProber(table, { intervalMs: config.PROBE_INTERVAL_MS, timeoutMs: config.PROBE_TIMEOUT_MS });
  const book = createAddressBook({
    resolve: createResolver(config.RESOLVER),
    intervalMs: config.RESOLVE_INTERVAL_MS,
    onTurn(name, error) {
      if (error === undefined) log.info({ name, addresses: book.addressesOf(name) }, "a replica's name resolves");
      else if (book.addressesOf(name).length > 0) log.warn({ name, error }, "a name is gone: its last address is kept");
      else log.info({ name, error }, "a name has never resolved: its replica is absent until it does");
    },
  });
  const kept = openTableFile(config.PROXY_TABLE_FILE);
  const members = createMembership({ table, prober, book, log }, { timeoutMs: config.PROBE_TIMEOUT_MS });
  const sessions = createSessions();
  const admission = createAdmission({
    perReplica: config.ADMIT_PER_SECOND / config.PROXIES,
    perClient: config.MAX_SESSIONS_PER_CLIENT_PER_SECOND / config.PROXIES,
    maxWaitMs: config.ADMIT_QUEUE_MS,
  });
  const shedder = createShedder(
    { table, sessions },
    { afterMs: config.SHED_AFTER_MS, perSecond: config.SHED_PER_SECOND / config.PROXIES },
  );
  const pending = createPendingBytes({
    perClient: config.MAX_PENDING_BYTES_PER_CLIENT,
    ipv6Prefix: config.CLIENT_IPV6_PREFIX,
  });
  const queue = createConnectQueue({ ipv6Prefix: config.CLIENT_IPV6_PREFIX, onProgress: () => turns.goOn() });
  const turns = new Turns(config.CLIENT_IPV6_PREFIX, queue.crowded);
  const secret = config.STICKY_SECRET ?? defaultStickySecret;
  const paths: HandlerDeps = {
    config,
    sessions,
    metrics,
    pending,
    log,
    tuning,
    closing: () => closing,
    gate: createGate(config, { table, sessions, admission, metrics, secret, log }),
    tryInTurn: createAttempts(config, { table, prober, admission, queue, metrics }),
  };
  const http = createPolling(paths);
  const upgrade = createUpgrades(paths);
  const limits = createConnectionLimits({
    total: config.MAX_CONNECTIONS,
    perClient: config.MAX_CONNECTIONS_PER_CLIENT,
    ipv6Prefix: config.CLIENT_IPV6_PREFIX,
    trusted: config.TRUSTED_PROXIES,
  });
  const proxied = {
    headTimeoutMs: config.HEAD_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    readPlainUpgrade: tuning.readPlainUpgrade,
    readInto: tuning.readInto,
    limits,
    pending,
    turns,
    idle: createIdleConnections({ ipv6Prefix: config.CLIENT_IPV6_PREFIX }),
    metrics,
    serve: http.serve,
    upgrade,
    malformed: http.malformed,
  };
  const tlsFiles = tlsFilesOf(config);
  const redirect = createRedirect(config.TLS_REDIRECT_PORT ?? config.PROXY_TLS_PORT);
  const plain = createPublicServer(
    tlsFiles !== undefined && config.TLS_REDIRECT ? { ...proxied, ...redirect } : proxied,
  );
  const tls = tlsFiles && createPublicServer({ ...proxied, tls: tlsFiles.read() });
  const balanced = balancedListener();
  const listeners = tls === undefined ? [plain] : [plain, tls];
  const drain = createProxyDrain(table, config.SHED_PER_SECOND);
  const admin = createAdminServer({
    host: config.ADMIN_HOST,
    port: config.PROXY_ADMIN_PORT,
    registry: metrics.registry,
    log,
    hostnames: ["proxy", ...config.ADMIN_HOSTNAMES],
    token: config.ADMIN_TOKEN,
    routes: adminRoutes({ table, members, kept, drain, closing: () => closing }),
  });
  const sweeper = setInterval(() => {
    const now = performance.now();
    for (const { tunnels, inFlight } of table.carriers()) {
      tunnels.forEach((tunnel) => void tunnel.sweep(now));
      inFlight.forEach((request) => void request.sweep?.(now));
    }
  }, sweepMs).unref();
  const pendingSweeper = setInterval(() => {
    for (let closed = pending.sweep(holdersOfBytes()); closed > 0; closed--) metrics.rejected.inc("pending");
  }, pendingSweepMs).unref();
  function balancedListener() {
    if (config.PROXY_PROTOCOL_PORT === undefined) return undefined;
    if (config.PROXY_PROTOCOL_FROM === undefined)
      throw new Error("PROXY_PROTOCOL_PORT needs PROXY_PROTOCOL_FROM: the addresses of the balancers");
    return createProxyProtocolServer({
      from: config.PROXY_PROTOCOL_FROM,
      timeoutMs: config.HEAD_TIMEOUT_MS,
      maxConnections: limits.hardCap,
      plain: plain.server,
      tls: tls?.server,
      metrics,
      log,
    });
  }
  function* holdersOfBytes() {
    for (const { tunnels } of table.carriers()) yield tunnels;
    for (const { connections } of listeners) yield connections;
  }

  const bind = ({ server }: { server: Server }, port: number, host = config.PROXY_HOST) =>
    listenOn(server, { port, host, backlog });

  return {
    /** Resolves with the bound addresses, once every replica was probed. Rejects with the system's error. */
    async listen() {
      const advice = crossOriginAdvice(config.ALLOWED_ORIGINS);
      if (advice !== undefined) log.warn(advice);
      if (config.STICKY_SECRET === undefined) log.warn("STICKY_SECRET is not set: a fixed, public value is used");
      const { specs, drained } = kept.applyTo(config.REPLICAS);
      const probed = Promise.all(
        specs.map(async (spec) => {
          const replica = await members.add(spec);
          if (replica !== undefined && drained.has(spec.id)) table.setDrained(replica, true);
        }),
      );
      await Promise.race([probed, delay(firstLookMs)]);
      const addresses = {
        admin: await admin.listen(),
        public: await bind(plain, config.PROXY_PORT),
        ...(balanced === undefined
          ? {}
          : { balanced: await bind(balanced, config.PROXY_PROTOCOL_PORT ?? 0, config.PROXY_PROTOCOL_HOST) }),
        ...(tls === undefined ? {} : { tls: await bind(tls, config.PROXY_TLS_PORT) }),
      };
      log.info({ ...addresses, replicas: table.ids, absent: members.absent() }, "listening");
      return addresses;
    },
    /** Reads certificate and key again, for new connections; open ones keep theirs. Throws when they cannot be used. */
    reloadTls(): void {
      if (tls === undefined || tlsFiles === undefined) {
        log.info("no TLS here: nothing to reload");
        return;
      }
      (tls.server as HttpsServer).setSecureContext(tlsFiles.read());
      log.info("certificate reloaded");
    },
    /** Stops listening, moves tunnels, lets requests end, then closes everything else. */
    async close(): Promise<void> {
      closing = true;
      await shutDown({
        servers: [...listeners, ...(balanced === undefined ? [] : [balanced])].map(({ server }) => server),
        table,
        alone: config.PROXIES === 1,
        graceMs: config.GRACE_MS,
        closeIdle() {
          for (const listener of listeners) listener.closeIdleConnections();
          balanced?.closeWaiting();
        },
        closeAll() {
          for (const listener of listeners) listener.closeAllConnections();
        },
      });
      drain.end();
      clearInterval(sweeper);
      clearInterval(pendingSweeper);
      for (const part of [members, prober, sessions, admission, shedder, http]) part.close();
      await admin.close();
    },
  };
}

function tlsFilesOf({ TLS_CERT, TLS_KEY }: ProxyConfig) {
  if (TLS_CERT === undefined && TLS_KEY === undefined) return undefined;
  if (TLS_CERT === undefined || TLS_KEY === undefined)
    throw new Error("TLS_CERT and TLS_KEY need each other: set both");
  return { read: () => ({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }) };
}
