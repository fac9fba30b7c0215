import type { TLSSocket } from "node:tls";
import type { ProxyConfig } from "../config.ts";
import { clientAddress } from "../listen/client-address.ts";
import type { Metrics } from "../metrics.ts";
import type { Admission } from "../routing/admission.ts";
import type { ReplicaTable } from "../routing/replica-table.ts";
import { type Route, route } from "../routing/route.ts";
import type { Sessions } from "../routing/sessions.ts";
import { freshId, readCookie, stickyCookie } from "../routing/sticky-cookie.ts";
import type { Client } from "./headers.ts";
import { queryValue } from "./query.ts";
import type { DecidingHeaders, RequestHead } from "./request-head.ts";
import { createScreen, type Refusal } from "./screen.ts";

/** A request that passed, with all that was decided about it. */
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
}

/** Refused because nobody can take it; try again. */
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
  message: "too many new sessions from this address: try again",
  headers: { "retry-after": "1" },
};

/** Screens a request, finds out who sends it and decides where it goes. */
export function createGate(
  config: ProxyConfig,
  deps: { table: ReplicaTable; sessions: Sessions; admission: Admission; metrics: Metrics; secret: string },
) {
  const { table, sessions, admission, metrics, secret } = deps;
  const screen = createScreen({
    paths: config.PROXY_PATHS,
    enginePaths: config.ENGINE_IO_PATHS,
    maxBodyBytes: config.MAX_BODY_BYTES,
  });
  const keying = { stickyKey: config.STICKY_KEY, secret };
  const routeTable = {
    stateOf: table.stateOf,
    isShed: sessions.isShed,
    get ids() {
      return table.ids;
    },
  };

  return (request: RequestHead, { upgrade }: { upgrade: boolean }): Refusal | Passed => {
    const screened = screen(request);
    if ("status" in screened) return screened;
    const client = clientOf(request, config);
    const { path, query } = screened;
    const engine = screened.engine && queryValue(query, "EIO") !== undefined;
    const sid = engine ? queryValue(query, "sid") : undefined;
    const ip = client.chain[0] as string;
    const cookie = readCookie(request.headers.cookie, config.STICKY_COOKIE);
    const decided = route({ sid, cookie, room: queryValue(query, "room"), ip, freshId }, routeTable, keying);
    if (decided.kind !== "ranked") {
      if (decided.kind === "session") metrics.routes.inc("session");
      return { path, client, route: decided, sid, opensSession: false, setCookie: undefined };
    }
    const opensSession = engine ? sid === undefined : upgrade;
    if (opensSession && !admission.client(ip)) return tooFast;
    if (decided.order.length === 0) return noReplica;
    metrics.routes.inc(decided.decision);
    const setCookie =
      decided.setCookie && stickyCookie(config.STICKY_COOKIE, decided.setCookie, client.proto === "https");
    return { path, client, route: decided, sid, opensSession, setCookie };
  };
}

export type Gate = ReturnType<typeof createGate>;

/** Who sends a request, by its connection and by what trusted proxies say of it. */
function clientOf({ socket, headers }: RequestHead, config: ProxyConfig): Client {
  const peer = socket.remoteAddress ?? "unknown";
  const trusted = config.TRUSTED_PROXIES(peer);
  const claimed = (name: keyof DecidingHeaders) => (trusted ? (headers[name] as string | undefined) : undefined);
  const encrypted = (socket as TLSSocket).encrypted === true;
  return {
    chain: clientAddress(peer, headers["x-forwarded-for"] as string | undefined, config.TRUSTED_PROXIES),
    proto: encrypted || claimed("x-forwarded-proto") === "https" ? "https" : "http",
    host: claimed("x-forwarded-host") ?? headers.host ?? "",
    traceId: freshId(),
  };
}
