import { randomInt } from "node:crypto";
import { rank } from "./rendezvous.ts";

export type ReplicaState = "ready" | "degraded" | "draining" | "down";
export type StickyKey = "cookie" | "ip" | "room" | "random";
/** Label `decision` of `proxy_routes_total`. */
export type Decision = "session" | "cookie" | "ip" | "room" | "new" | "failover";

/** The input of the decision. */
export interface RouteRequest {
  /** Engine.IO session id; only for requests with `EIO`. */
  sid?: string | undefined;
  /** Finds the replica that minted `sid` in the client's cookie. Called if the sid names no replica. */
  mintedBy?: ((sid: string) => string | undefined) | undefined;
  /** A well-formed sticky cookie, if there was one. */
  cookie?: string | undefined;
  /** The `room` query parameter. */
  room?: string | undefined;
  /** Client address. */
  ip: string;
  /** Makes a random id for a client without one. It is then set as the cookie. */
  freshId(): string;
}

export interface RouteTable {
  stateOf(id: string): ReplicaState | undefined;
  /** True when the proxy moved this session off its replica. */
  isShed(sid: string): boolean;
  ids: readonly string[];
}

export type Route =
  /** To this replica and no other. */
  | { kind: "session"; replica: string }
  /** The session's replica is down or shed it: `400 {"code":1}`. */
  | { kind: "unknown-session"; replica: string }
  /** To the first of `order`; the others are for retries. Empty if no replica takes new sessions. */
  | { kind: "ranked"; decision: Exclude<Decision, "session">; order: string[]; setCookie?: string | undefined };

/** The replica that a `sid` names (`<NODE_ID>.<random>`), whether it exists or not. */
export function replicaOfSid(sid: string): string {
  return sid.slice(0, Math.max(0, sid.lastIndexOf(".")));
}

/**
 * Where a request goes: session, then route key, then rendezvous hash over the replicas that take new sessions
 * (`ready` ones; `degraded` ones only when none is ready; `draining` and `down` never).
 */
export function route(
  request: RouteRequest,
  table: RouteTable,
  { stickyKey, secret }: { stickyKey: StickyKey; secret: string },
): Route {
  const { sid } = request;
  if (sid !== undefined && stickyKey !== "random") {
    let replica = replicaOfSid(sid);
    if (table.stateOf(replica) === undefined) replica = request.mintedBy?.(sid) ?? replica;
    const state = table.stateOf(replica);
    if (state !== undefined) {
      const lost = state === "down" || table.isShed(sid);
      return { kind: lost ? "unknown-session" : "session", replica };
    }
  }
  const eligible = routable(table);
  if (stickyKey === "random") return { kind: "ranked", decision: "new", order: shuffle(eligible) };

  const { key, decision, setCookie } = routeKey(request, stickyKey);
  const preferred = rank(key, table.ids, secret);
  const order = preferred.filter((id) => eligible.includes(id));
  const rerouted = order.length > 0 && order[0] !== preferred[0];
  return { kind: "ranked", decision: rerouted ? "failover" : decision, order, setCookie };
}

/** Replicas that take new sessions now. */
export function routable(table: Pick<RouteTable, "ids" | "stateOf">): string[] {
  const ready = table.ids.filter((id) => table.stateOf(id) === "ready");
  return ready.length > 0 ? ready : table.ids.filter((id) => table.stateOf(id) === "degraded");
}

function routeKey(request: RouteRequest, stickyKey: Exclude<StickyKey, "random">) {
  if (stickyKey === "ip") return { key: `ip:${request.ip}`, decision: "ip" as const, setCookie: undefined };
  if (stickyKey === "room" && request.room)
    return { key: `room:${request.room}`, decision: "room" as const, setCookie: undefined };
  if (request.cookie !== undefined)
    return { key: `id:${request.cookie}`, decision: "cookie" as const, setCookie: undefined };
  const id = request.freshId();
  return { key: `id:${id}`, decision: "new" as const, setCookie: id };
}

/** Fisher-Yates. */
function shuffle(ids: readonly string[]): string[] {
  const shuffled = [...ids];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as string, shuffled[i] as string];
  }
  return shuffled;
}
