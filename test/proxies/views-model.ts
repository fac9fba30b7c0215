import fc from "fast-check";
import { type ReplicaState, type RouteTable, route, type StickyKey } from "../../proxy/routing/route.ts";

/** Decides where a request goes; the proxy's own, or another one that a test must find wanting. */
export type Decide = typeof route;

const replicas = ["signaling-1", "signaling-2", "signaling-3"] as const;
type Id = (typeof replicas)[number];
const states: readonly ReplicaState[] = ["ready", "degraded", "draining", "down"];
const most = { proxies: 5, clients: 4 };

type Step =
  /** A proxy sees another state of a replica than before, right or wrong. */
  | { do: "see"; proxy: number; replica: Id; state: ReplicaState }
  /** A replica ends, with all its sessions, or is started anew. */
  | { do: "end" | "begin"; replica: Id }
  /** A proxy is killed and started: its tunnels are cut, and it sees what is there. */
  | { do: "restart"; proxy: number }
  /** A client sends its next request, through this proxy. */
  | { do: "ask"; client: number; proxy: number };

const replica = fc.constantFrom(...replicas);
const proxy = fc.nat(most.proxies - 1);
const asks = fc.record({ do: fc.constant("ask" as const), client: fc.nat(most.clients - 1), proxy });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: asks },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("see" as const), proxy, replica, state: fc.constantFrom(...states) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("end" as const, "begin" as const), replica }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), proxy }) },
);
/** What happens to two to five proxies, their replicas and their clients. */
export interface Schedule {
  proxies: number;
  stickyKey: Exclude<StickyKey, "random">;
  steps: readonly Step[];
}
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  proxies: fc.integer({ min: 2, max: most.proxies }),
  stickyKey: fc.constantFrom("cookie" as const, "ip" as const, "room" as const),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
});

interface Client {
  kind: "polling" | "websocket";
  cookie: string | undefined;
  /** The open session, and the proxy that carries its tunnel. */
  session: { sid: string; proxy: number } | undefined;
  /** Sessions that it lost. */
  lost: number;
  /** What may have cost it one: its replica or proxy ended, or its proxy changed its view to down. */
  causes: number;
}

/**
 * Plays a schedule against proxies that share a secret and nothing else. Even clients poll and go through any proxy at
 * each request; odd ones hold a WebSocket through one.
 *
 * @throws Error that says which promise was broken: a session is on one replica; a WebSocket is lost at most once for
 *   each change of view; once views agree nobody loses anything
 */
export function play({ proxies, stickyKey, steps }: Schedule, decide: Decide): void {
  const alive = new Map<Id, boolean>(replicas.map((id) => [id, true]));
  const views = Array.from(
    { length: proxies },
    () => new Map<string, ReplicaState>(replicas.map((id) => [id, "ready"])),
  );
  const known = new Map<string, Id>();
  let minted = 0;
  const clients = Array.from(
    { length: most.clients },
    (_, index): Client => ({
      kind: index % 2 === 0 ? "polling" : "websocket",
      cookie: index < 2 ? `client-${index}` : undefined,
      session: undefined,
      lost: 0,
      causes: 0,
    }),
  );

  const tableOf = (at: number): RouteTable => ({
    ids: replicas,
    stateOf: (id) => views[at]?.get(id),
    isShed: () => false,
  });
  const decided = (at: number, client: Client, sid: string | undefined) =>
    decide(
      { sid, cookie: client.cookie, ip: "203.0.113.9", room: client.cookie, freshId: () => `fresh-${minted}` },
      tableOf(at),
      { stickyKey, secret: "shared" },
    );
  const lose = (client: Client) => {
    client.session = undefined;
    client.lost += 1;
  };

  function ask(client: Client, at: number): void {
    const { session } = client;
    if (session !== undefined && client.kind === "websocket") return;
    if (session === undefined) {
      const way = decided(at, client, undefined);
      const order = way.kind === "ranked" ? way.order : [way.replica];
      const taker = order.find((id) => alive.get(id as Id)) as Id | undefined;
      if (taker === undefined) return;
      minted += 1;
      client.session = { sid: `${taker}.${minted}`, proxy: at };
      known.set(client.session.sid, taker);
      return;
    }
    const way = decided(at, client, session.sid);
    if (way.kind === "unknown-session") {
      lose(client);
      return;
    }
    const target = way.kind === "session" ? way.replica : way.order[0];
    if (target !== undefined && target !== session.sid.slice(0, session.sid.lastIndexOf(".")))
      throw new Error(`the session ${session.sid} is asked for at ${target} too`);
    if (target === undefined || known.get(session.sid) === undefined) lose(client);
  }

  function see(at: number, id: Id, state: ReplicaState): void {
    const before = views[at]?.get(id);
    views[at]?.set(id, state);
    if (state !== "down" || before === "down") return;
    for (const client of clients) {
      const { session } = client;
      if (client.kind !== "websocket" || session?.proxy !== at || known.get(session.sid) !== id) continue;
      client.causes += 1;
      lose(client);
    }
  }

  function end(id: Id): void {
    alive.set(id, false);
    for (const client of clients)
      if (client.session !== undefined && known.get(client.session.sid) === id) {
        client.causes += 1;
        if (client.kind === "websocket") lose(client);
      }
    for (const [sid, holder] of known) if (holder === id) known.delete(sid);
  }

  function restart(at: number): void {
    for (const client of clients)
      if (client.kind === "websocket" && client.session?.proxy === at) {
        client.causes += 1;
        lose(client);
      }
    for (const [id, lives] of alive) views[at]?.set(id, lives ? "ready" : "down");
  }

  for (const one of steps) {
    const at = "proxy" in one ? one.proxy % proxies : 0;
    if (one.do === "see") see(at, one.replica, one.state);
    else if (one.do === "ask") ask(clients[one.client] as Client, at);
    else if (one.do === "restart") restart(at);
    else if (one.do === "end") end(one.replica);
    else alive.set(one.replica, true);
    for (const { kind, lost, causes } of clients)
      if (kind === "websocket" && lost > causes)
        throw new Error(`a WebSocket was lost ${lost} times for ${causes} causes`);
  }

  // The views agree with what is: from the second round on nobody loses a session.
  for (let at = 0; at < proxies; at++) for (const [id, lives] of alive) see(at, id, lives ? "ready" : "down");
  const round = () => {
    for (const client of clients) for (let at = 0; at < proxies; at++) ask(client, at);
  };
  round();
  const before = clients.map(({ lost }) => lost);
  round();
  round();
  for (const [index, { lost }] of clients.entries())
    if (lost !== before[index]) throw new Error(`client ${index} lost its session although all views agree`);
}

/** A proxy that asks its own view before the session: what the model must refuse. */
export const healthFirst: Decide = (request, table, keying) => {
  const named = request.sid?.slice(0, request.sid.lastIndexOf("."));
  const isWell = named !== undefined && table.stateOf(named) === "ready";
  return isWell ? route(request, table, keying) : route({ ...request, sid: undefined }, table, keying);
};
