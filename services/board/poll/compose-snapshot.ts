import type { BalancerPulse, CallerPulse, ProcessPulse, ReplicaPulse } from "../../../common/pulse.ts";
import type { Part, Signals, Snapshot } from "../snapshot.ts";
import { undoOf } from "../undo.ts";
import { p95Between } from "./latency.ts";
import type { Polls } from "./polls.ts";
import type { Watched } from "./watch.ts";

/** Shortest time between two polls for a figure per second, ms. */
const windowMs = 1_000;

/** Makes snapshots from the polls' results. It keeps earlier counters to compute figures per second. */
export function createComposer(polls: Polls, make: string) {
  const rates = new Map<string, Rate>();
  let caller: { at: number; pulse: CallerPulse } | undefined;
  let signals: Signals | null = null;

  /** Growth of a counter per second; null before the second value, and after a reset of the counter. */
  function perSecond(key: string, at: number, value: number): number | null {
    const known = rates.get(key);
    if (known === undefined || value < known.value) {
      rates.set(key, { at, value, rate: null });
      return null;
    }
    if (at - known.at < windowMs) return known.rate;
    const rate = (1_000 * (value - known.value)) / (at - known.at);
    rates.set(key, { at, value, rate });
    return rate;
  }

  function figures(id: string, seen: Readonly<Watched<ProcessPulse>> | undefined): Pick<Part, "lagMs" | "cpu"> {
    if (seen?.last == null || seen.failing !== null) return { lagMs: null, cpu: null };
    const cpu = perSecond(`${id} cpu`, seen.at, seen.last.cpuSeconds);
    return { lagMs: seen.last.lagMs, cpu: cpu === null ? null : Math.round(cpu * 1_000) / 1_000 };
  }

  function signalsNow(): Signals | null {
    const seen = polls.caller?.seen;
    if (seen?.last == null || seen.failing !== null) {
      caller = undefined;
      signals = null;
      return null;
    }
    const { last, at } = seen;
    if (caller === undefined || last.sent < caller.pulse.sent) caller = { at, pulse: last };
    if (at - caller.at < windowMs) return signals;
    const { pulse } = caller;
    const rate = (before: number, after: number) =>
      Math.round(((after - before) * 10_000) / (at - (caller?.at ?? 0))) / 10;
    signals = {
      sent: rate(pulse.sent, last.sent),
      received: rate(pulse.received, last.received),
      lost: rate(pulse.lost, last.lost),
      localMs: p95Between(pulse.latency.local, last.latency.local),
      remoteMs: p95Between(pulse.latency.remote, last.latency.remote),
    };
    caller = { at, pulse: last };
    return signals;
  }

  return function compose(at: number): Snapshot {
    const proxies = [...polls.proxies].map(([id, { seen }]) => ({ id, seen }));
    const routing = proxies.find(({ seen }) => seen.failing === null && seen.last !== null)?.seen.last?.replicas;
    const rows = routing ?? proxies.find(({ seen }) => seen.last !== null)?.seen.last?.replicas ?? [];
    const replicas = [...polls.replicas].filter(
      ([id, { seen }]) => rows.some((row) => row.id === id) || (seen.last !== null && seen.failing === null),
    );
    const peers: Record<string, string[]> = {};
    const replicaParts = replicas.map(([id, { seen }]): Part => {
      const row = routing?.find((one) => one.id === id);
      const alive = answer(seen);
      peers[id] = alive?.names ?? [];
      const tunnels = proxies
        .filter((proxy) => proxy.seen.failing === null)
        .map((proxy) => proxy.seen.last?.replicas.find((one) => one.id === id)?.tunnels ?? 0);
      return {
        id,
        kind: "replica",
        // Without an answer of the proxy, only the replica's own state is known.
        state: row?.state ?? alive?.state ?? "down",
        note: noteOf(seen, row?.state),
        tunnels: tunnels.length === 0 ? null : tunnels.reduce((sum, count) => sum + count, 0),
        peers: alive?.peers ?? 0,
        ...figures(id, seen),
        perSecond: alive === null ? null : perSecond(`${id} events`, seen.at, alive.events),
      };
    });
    const tunnelsAt = ({ seen }: (typeof proxies)[number]) =>
      seen.failing === null ? (seen.last?.replicas.reduce((sum, row) => sum + row.tunnels, 0) ?? 0) : 0;
    const allTunnels = proxies.reduce((sum, proxy) => sum + tunnelsAt(proxy), 0);
    const events = replicaParts.reduce((sum, part) => sum + (part.perSecond ?? 0), 0);
    const proxyParts = proxies.map((proxy): Part => {
      const { id, seen } = proxy;
      const up = seen.failing === null && seen.last !== null;
      return {
        ...bare(id, "proxy", up ? "up" : "down", silence(seen)),
        tunnels: up ? tunnelsAt(proxy) : null,
        ...figures(id, seen),
        perSecond: up ? events * (allTunnels === 0 ? 1 / proxies.length : tunnelsAt(proxy) / allTunnels) : 0,
      };
    });
    const callerSeen = polls.caller?.seen;
    const marks = callerSeen?.failing === null ? callerSeen.last : null;
    return {
      at,
      parts: [
        ...balancer(polls.balancer?.seen, proxies.length),
        ...proxyParts,
        ...replicaParts,
        backplane(replicas.map(([, { seen }]) => seen)),
        ...observer("caller", callerSeen),
        ...observer("prometheus", polls.alerts?.seen),
        ...observer("alertmanager", polls.alertmanager?.seen),
      ],
      peers,
      calls: marks?.calls ?? {},
      signals: signalsNow(),
      faults: (marks?.actions ?? []).map((mark) => ({ ...mark, undo: undoOf(mark, make) })),
      alerts: polls.alerts?.seen.failing === null ? (polls.alerts.seen.last ?? []) : [],
      // The snapshot leaves out the data for the trainer only.
      drills: (marks?.drills ?? []).map(({ sealed: _, ...drill }) => drill),
      prometheus: polls.alerts?.seen.failing === null,
    };
  };

  function observer(
    id: "caller" | "prometheus" | "alertmanager",
    seen: Readonly<Watched<unknown>> | undefined,
  ): Part[] {
    if (seen === undefined) return [];
    const process = id === "caller" ? figures(id, seen as Watched<ProcessPulse>) : {};
    return [
      { ...bare(id, id, seen.failing === null && seen.last !== null ? "up" : "down", silence(seen)), ...process },
    ];
  }
}

interface Rate {
  at: number;
  value: number;
  rate: number | null;
}

const bare = (id: string, kind: Part["kind"], state: string, note: string): Part => ({
  id,
  kind,
  state,
  note,
  tunnels: null,
  peers: null,
  lagMs: null,
  cpu: null,
  perSecond: null,
});

const answer = <T>(seen: Readonly<Watched<T>>): T | null => (seen.failing === null ? seen.last : null);

function silence(seen: Readonly<Watched<unknown>>): string {
  if (seen.failing === "silent") return "does not answer";
  if (seen.failing === "refused") return "nobody listens";
  return seen.failing === null ? "" : "answers with an error";
}

function noteOf(seen: Readonly<Watched<ReplicaPulse>>, routed: string | undefined): string {
  if (seen.failing !== null) return silence(seen);
  if (seen.last?.backplaneUp === false) return "does not hear the backplane";
  return routed === undefined && seen.last !== null ? "by its own word" : "";
}

function balancer(seen: Readonly<Watched<BalancerPulse>> | undefined, proxies: number): Part[] {
  if (seen === undefined) return [];
  const alive = answer(seen);
  const note = alive !== null && alive.proxies < proxies ? `sends to ${alive.proxies} of ${proxies} proxies` : "";
  return [
    {
      ...bare("balancer", "balancer", alive === null ? "down" : "up", alive === null ? silence(seen) : note),
      tunnels: alive?.connections ?? null,
    },
  ];
}

/** The board cannot reach Redis or NATS itself. The replicas' canaries show whether it works. */
function backplane(replicas: readonly Readonly<Watched<ReplicaPulse>>[]): Part {
  const answers = replicas.map(answer).filter((pulse) => pulse !== null);
  const heard = answers.filter(({ backplaneUp }) => backplaneUp).length;
  const note = answers.length === 0 ? "no replica to ask" : `heard by ${heard} of ${answers.length}`;
  // Also the last word of a replica that is silent.
  const bus = replicas.find(({ last }) => last !== null)?.last?.bus ?? "redis";
  return bare(bus, "backplane", heard > 0 ? "up" : "down", note);
}
