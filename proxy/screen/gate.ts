import type { TLSSocket } from "node:tls";
import { limitKey } from "../../common/http/client-address.ts";
import { createOriginLog, mayConnect } from "../../common/http/origin.ts";
import type { Log } from "../../common/log.ts";
import type { ProxyConfig } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import type { Admission } from "../routing/admission.ts";
import { createMintedSids } from "../routing/minted-sids.ts";
import type { ReplicaTable } from "../routing/replica-table.ts";
import { type Route, route } from "../routing/route.ts";
import type { Sessions } from "../routing/sessions.ts";
import { cookieValues, freshId, readCookie, stickyCookie } from "../routing/sticky-cookie.ts";
import { origination } from "./forwarded.ts";
import { createFrontHints } from "./front-hints.ts";
import type { Client } from "./headers.ts";
import { createRoomReader, readSessionQuery, type SessionQuery } from "./query.ts";
import type { RequestHead } from "./request-head.ts";
import { createScreen, type Refusal, screenUpgrade } from "./screen.ts";

/** An accepted request, with all decisions about it. */
export interface Passed {
  path: string;
  client: Client;
  route: Route;
  /** Engine.IO session that it belongs to, if any. */
  sid: string | undefined;
  /** It opens a session: an Engine.IO handshake, or a WebSocket that belongs to none. */
  opensSession: boolean;
  /** `Set-Cookie` that the first answer carries. */
  setCookie: string | undefined;
  /** `Set-Cookie` of a session whose sid names no replica, for the replica that turns out to know it. */
  remember?: (replicaId: string) => string;
}

/** No replica can take it now; the client may try again. */
const noReplica: Refusal = {
  status: 503,
  reason: "no-replica",
  message: "no replica takes new sessions",
  headers: { "retry-after": "1" },
};
export const overloaded: Refusal = {
  status: 503,
  reason: "admission",
  message: "too many new sessions: try again",
  headers: { "retry-after": "1" },
};
const tooFast: Refusal = {
  status: 503,
  reason: "client-rate",
  message: "too many new sessions from this address: try again (a proxy in front belongs in TRUSTED_PROXIES)",
  headers: { "retry-after": "1" },
};
const otherOrigin: Refusal = {
  status: 403,
  reason: "origin",
  message: "this origin may not open WebSockets here: see ALLOWED_ORIGINS and TRUSTED_PROXIES",
};
/** In Engine.IO's own words, since its clients read them. */
const twoReadings: Refusal = {
  status: 400,
  reason: "query",
  code: 3,
  message: "Bad request: EIO, sid and transport come once and are not empty",
};
/** A proxy in front kept the header to itself (RFC 9110, 15.5.22). */
const upgradeMissing: Refusal = {
  status: 426,
  reason: "upgrade-missing",
  message: "a WebSocket handshake without Upgrade: a proxy in front must pass Upgrade and Connection",
  headers: { upgrade: "websocket" },
};
const noSession: SessionQuery = { engine: false, sid: undefined, websocket: false };

/** Screens a request, finds out who sends it and decides where it goes. */
export function createGate(
  config: ProxyConfig,
  deps: { table: ReplicaTable; sessions: Sessions; admission: Admission; metrics: Metrics; secret: string; log: Log },
) {
  const { table, sessions, admission, metrics, secret } = deps;
  const hint = createFrontHints(config.TRUSTED_PROXIES, deps.log);
  const tellRefusedOrigin = createOriginLog(deps.log);
  const screen = createScreen({
    paths: config.PROXY_PATHS,
    enginePaths: config.ENGINE_IO_PATHS,
    maxBodyBytes: config.MAX_BODY_BYTES,
  });
  const minted = createMintedSids(config.STICKY_COOKIE, secret);
  const mintedIn = ({ headers }: RequestHead) => cookieValues(headers.cookie, minted.cookie)[0];
  const roomOf = createRoomReader(config.STICKY_ROOM);
  const keying = { stickyKey: config.STICKY_KEY, secret };
  const routeTable = {
    stateOf: table.stateOf,
    isShed: sessions.isShed,
    get ids() {
      return table.ids;
    },
  };

  /**
   * Cross-site WebSocket hijacking: browsers send cookies with a WebSocket to anywhere, and CORS does not apply. Where
   * `ALLOWED_ORIGINS` is unset, the replicas decide.
   */
  function originPasses(origin: string | undefined, host: string): boolean {
    if (config.ALLOWED_ORIGINS === undefined || mayConnect(origin, host, config.ALLOWED_ORIGINS)) return true;
    tellRefusedOrigin(origin, host);
    return false;
  }

  return (request: RequestHead, { upgrade }: { upgrade: boolean }): Refusal | Passed => {
    const refused = upgrade ? screenUpgrade(request) : undefined;
    if (refused !== undefined) return refused;
    const screened = screen(request);
    if ("status" in screened) return screened;
    const { path, query } = screened;
    const asked = screened.engine ? readSessionQuery(query) : noSession;
    if (asked === undefined) return twoReadings;
    if (asked.websocket && !upgrade && request.method === "GET") return upgradeMissing;
    const client = clientOf(request, config);
    if (upgrade && !originPasses(request.headers.origin, client.host)) return otherOrigin;
    const { engine } = asked;
    const sid = engine ? asked.sid : undefined;
    const ip = client.chain[0] as string;
    const cookie = readCookie(request.headers.cookie, config.STICKY_COOKIE);
    const room = config.STICKY_KEY === "room" ? roomOf(path, query) : undefined;
    const mintedBy = (of: string) => minted.replicaOf(mintedIn(request), of, table.ids);
    const decided = route({ sid, mintedBy, cookie, room, ip, freshId }, routeTable, keying);
    if (decided.kind !== "ranked") {
      if (decided.kind === "session") metrics.routes.inc("session");
      return { path, client, route: decided, sid, opensSession: false, setCookie: undefined };
    }
    const opensSession = engine ? sid === undefined : upgrade;
    if (opensSession) hint(request);
    if (opensSession && !admission.client(limitKey(ip, config.CLIENT_IPV6_PREFIX))) return tooFast;
    if (decided.order.length === 0) return noReplica;
    metrics.routes.inc(decided.decision);
    const setCookie =
      decided.setCookie && stickyCookie(config.STICKY_COOKIE, decided.setCookie, client.proto === "https");
    const passed: Passed = { path, client, route: decided, sid, opensSession, setCookie };
    if (sid !== undefined && config.STICKY_KEY !== "random")
      passed.remember = (replicaId) => {
        const value = minted.remember(mintedIn(request), sid, replicaId);
        return stickyCookie(minted.cookie, value, client.proto === "https");
      };
    return passed;
  };
}

export type Gate = ReturnType<typeof createGate>;

/** The sender of a request, from its connection and from trusted proxies' headers. */
function clientOf({ socket, headers }: RequestHead, config: ProxyConfig): Client {
  const { chain, proto, host } = origination(socket.remoteAddress ?? "unknown", headers, config.TRUSTED_PROXIES);
  const encrypted = (socket as TLSSocket).encrypted === true || proto === "https" || proto === "wss";
  return { chain, proto: encrypted ? "https" : "http", host: host ?? headers.host ?? "", traceId: freshId() };
}

/** The fields of a request in every log line. They never contain the query, which has sids and tokens. */
export function toldOf({ client, route, path }: Passed) {
  const decision = route.kind === "ranked" ? route.decision : route.kind;
  return { traceId: client.traceId, client: client.chain[0], path, decision };
}
