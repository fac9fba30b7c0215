import { randomBytes } from "node:crypto";
import type { BackplaneContext } from "../backplane.ts";
import { createAttendance } from "./attendance.ts";

/** A canary is sent this often, ms. */
const everyMs = 1_000;
/** The backplane is down when a canary is not back after this long, ms. */
const backWithinMs = 2_000;
/** A replica counts as a backplane peer while it was heard within this time, ms. */
const heardWithinMs = 3_000;

/** A silent replica is known for this time, ms: longer than a server counts as confirmed after the last answer. */
const knownForMs = 2 * heardWithinMs;

/** So many of the canaries sent last are remembered. */
const keptCanaries = 8;
/**
 * Time after which a replica that has not heard this one's canary does not hear it, ms. The time on the way is added:
 * that of a canary and back is about that of a canary and what the other one tells then.
 */
const heardByOthersWithinMs = 900;
/** Pause between reconnects because of replicas that do not hear this one, ms. They tell what they hear each second. */
const renewEveryMs = 2_500;

/** Node id, run of its process, number. Any other text is from no replica. */
const canaryForm = /^[a-z0-9][a-z0-9-]{0,62} [\w-]{8} \d{1,15}$/;
/** Node id, for how long it has listened in ms, and of each process that it hears the run and its last canary's number. */
const hearingForm = /^[a-z0-9][a-z0-9-]{0,62} \d{1,15}(?: [\w-]{8}:\d{1,15})*$/;

/** One way through the backplane that must work for it to be up, and how a canary is sent along it. */
export interface Lane {
  name: string;
  send(payload: string): Promise<unknown>;
}

/**
 * Sends this replica's canaries through the backplane every second, one on each lane, and judges the backplane by
 * their return: a client's own `isReady` is no proof. The canaries of all replicas on the first lane are their
 * heartbeats.
 *
 * A canary that returns proves one server, and the others may use another one. So each replica tells which canaries it
 * heard, whenever its own one returned, and for how long it has listened: it cannot hear what was sent before. The
 * backplane is down for a replica that hears one which does not hear it, until that one does.
 *
 * A replica may be cut off with its server, and then hears itself alone. While the server is not confirmed, the backplane
 * is down for a replica that hears half or less of those that it heard before, itself included.
 */
export function createCanary(
  { nodeId, log, metrics }: BackplaneContext,
  {
    lanes,
    tell,
    onSilent,
    onDeaf,
    confirmed,
  }: {
    lanes: readonly Lane[];
    /** Tells all replicas which canaries this one heard, or that it comes or goes. */
    tell: (text: string) => void;
    /** The server returns no canary. */
    onSilent: (reason: string) => void;
    /** Another replica does not hear this one: the server may be the wrong one, and others may use it. */
    onDeaf: (reason: string) => void;
    /** False while few Sentinels say that the server is the one that all replicas should use. Left out: always true. */
    confirmed?: (() => boolean) | undefined;
  },
) {
  // Names the process, so that two processes with one node id do not mistake each other's canaries.
  const ownRun = randomBytes(6).toString("base64url");
  const self = `${nodeId} ${ownRun}`;
  const backAt = new Map<string, number>();
  /** The processes that are heard, by run: their node, the number of their last canary, and when it came. */
  const heard = new Map<string, { node: string; number: number; at: number }>();
  /** When each canary of this connection was sent, by its number. */
  const sent = new Map<number, number>();
  /** When each replica was last heard; those of the last seconds before the server was last confirmed. */
  const known = new Map<string, number>();
  /** Replicas that are heard here and do not hear this one. */
  const deaf = new Set<string>();
  /** Time of the last reconnect because of replicas that do not hear this one. Such reconnects are paced. */
  let renewedAt = Number.NEGATIVE_INFINITY;
  const changeListeners: ((up: boolean) => void)[] = [];
  const heartbeatListeners: ((nodeId: string) => void)[] = [];
  /** When the connection was made; null without one. */
  let openedAt: number | null = null;
  let up = false;
  let sequence = 0;
  /** How long the last canary that returned was on its way, ms. */
  let onItsWayMs = 0;
  metrics.backplaneUp.set(0);
  const attendance = createAttendance(nodeId, {
    tell,
    onChange: judge,
    onLeft(node) {
      for (const [run, one] of heard) if (one.node === node) heard.delete(run);
    },
  });

  function judge(): void {
    const now = performance.now();
    for (const [run, { at }] of heard) if (now - at > heardWithinMs) heard.delete(run);
    const nodes = new Set([...heard.values()].map(({ node }) => node));
    metrics.backplanePeers.set(nodes.size - (nodes.has(nodeId) ? 1 : 0));
    for (const node of deaf) if (!nodes.has(node)) deaf.delete(node);
    const lost = openedAt === null;
    const apart = isApart(nodes, now);
    if (apart && up) log.warn("cut off? It hears few replicas and few Sentinels: check this host's network");
    const missing = lanes.filter(({ name }) => !backAt.has(name));
    const silent = lanes.filter(({ name }) => now - Math.max(backAt.get(name) ?? 0, openedAt ?? 0) > backWithinMs);
    const works = !lost && missing.length === 0 && silent.length === 0;
    const isComplete = attendance.isComplete(works);
    change(works && isComplete && deaf.size === 0 && !apart);
    if (lost) return;
    if (silent.length > 0) onSilent(`no canary for ${backWithinMs} ms (${silent.map(({ name }) => name).join(", ")})`);
    else if (deaf.size > 0 && now - renewedAt > renewEveryMs) {
      renewedAt = now;
      onDeaf(`${[...deaf].join(", ")} does not hear this replica, which hears it: they use two servers`);
    }
  }

  function isApart(nodes: ReadonlySet<string>, now: number): boolean {
    if (confirmed?.() !== false) {
      for (const [node, at] of known) if (now - at > knownForMs) known.delete(node);
      return false;
    }
    const left = [...known.keys()].filter((node) => nodes.has(node)).length;
    return known.size > 1 && left * 2 <= known.size;
  }

  function change(isUp: boolean): void {
    if (isUp === up) return;
    up = isUp;
    metrics.backplaneUp.set(up ? 1 : 0);
    if (up) log.info("backplane is up: the canary returned");
    else log.error("backplane is down: peers on other replicas cannot be reached");
    for (const listener of changeListeners) listener(up);
  }

  function send(): void {
    if (openedAt === null || attendance.leaving()) return;
    sequence += 1;
    sent.set(sequence, performance.now());
    sent.delete(sequence - keptCanaries);
    for (const lane of lanes)
      lane.send(`${self} ${sequence}`).catch((err: unknown) => log.debug({ err, lane: lane.name }, "canary not sent"));
  }

  const sending = setInterval(send, everyMs);
  // Judged more often than sent: a loss shows at 2 s, not at the next whole second.
  const judging = setInterval(judge, everyMs / 5);

  return {
    /** A canary arrived on a lane. */
    receive(lane: string, payload: string): void {
      if (!canaryForm.test(payload)) return;
      const [node = "", run = "", number] = payload.split(" ");
      const now = performance.now();
      const isHeartbeat = lane === lanes[0]?.name;
      if (isHeartbeat) {
        if (!attendance.heard(node, run, Number(number))) return;
        heard.set(run, { node, number: Number(number), at: now });
        known.set(node, now);
      }
      if (`${node} ${run}` === self && openedAt !== null) {
        backAt.set(lane, now);
        const sentAt = sent.get(Number(number));
        if (sentAt !== undefined) {
          onItsWayMs = now - sentAt;
          if (Number(number) === sequence) metrics.backplaneCanary.set(onItsWayMs / 1000);
        }
        if (!up) judge();
        if (isHeartbeat && !attendance.leaving()) {
          const runs = [...heard].map(([ofRun, last]) => `${ofRun}:${last.number}`);
          tell([nodeId, Math.floor(now - openedAt), ...runs].join(" "));
        }
      }
      if (isHeartbeat) for (const listener of heartbeatListeners) listener(node);
    },
    /** A replica told which canaries it heard, or that it comes or goes. */
    hears(told: string): void {
      attendance.hears(told);
      // The others drop a replica that leaves from what they hear.
      if (attendance.leaving() || !hearingForm.test(told)) return;
      const [node = "", listenedMs, ...runs] = told.split(" ");
      if (node === nodeId || ![...heard.values()].some((one) => one.node === node)) return;
      const last = Number(runs.find((one) => one.startsWith(`${ownRun}:`))?.split(":")[1] ?? 0);
      const now = performance.now();
      const missed = [...sent].some(([number, at]) => {
        return number > last && at > now - Number(listenedMs) && now - at >= heardByOthersWithinMs + onItsWayMs;
      });
      if (missed) deaf.add(node);
      else if (sent.has(last)) deaf.delete(node);
      judge();
    },
    /** There is a connection: canaries go out from now on. */
    opened(): void {
      openedAt = performance.now();
      attendance.opened();
      sent.clear();
      send();
    },
    /** Tells the others that this replica leaves the server, and no longer appears on it. */
    leaves(): void {
      attendance.leave(ownRun, sequence);
    },
    /** The connection is gone: down at once. */
    lost(): void {
      const now = performance.now();
      attendance.lost((node) => now - (known.get(node) ?? 0) < knownForMs);
      openedAt = null;
      backAt.clear();
      change(false);
    },
    up: () => up,
    reaches: attendance.reaches,
    onChange: (listener: (up: boolean) => void) => void changeListeners.push(listener),
    onHeartbeat: (listener: (nodeId: string) => void) => void heartbeatListeners.push(listener),
    close(): void {
      clearInterval(sending);
      clearInterval(judging);
    },
  };
}
