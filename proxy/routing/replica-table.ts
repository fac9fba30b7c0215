import { type Health, type Observation, observe, unprobed } from "../health/health.ts";
import { type Linked, LinkedSet } from "../listen/linked-set.ts";
import type { Holder } from "../listen/pending-bytes.ts";
import type { ReplicaSpec } from "./replica-spec.ts";
import { type ReplicaState, routable } from "./route.ts";

/** A tunnel or request of a replica, which ends when the replica is ejected. */
export interface Carried extends Linked {
  /** Engine.IO session that it belongs to, if any. */
  readonly sid: string | undefined;
  /** Called when its replica went down or was removed, or its session is moved. */
  eject(): void;
  /** Gives up on a replica that has been silent for too long. */
  sweep?(nowMs: number): void;
}

/** The table's view of a relayed WebSocket connection. */
export interface CarriedTunnel extends Linked, Holder {
  /** Engine.IO session that it carries, if any. */
  readonly sid: string | undefined;
  /** True once it is closing. */
  readonly closing: boolean;
  /** Destroys both sides. What is under way in either direction is lost. */
  destroy(reason: string): void;
  /**
   * Ends the way to the replica alone, and passes on what the replica still sends until it ends its side too. So the
   * replica can tell the others before the client has gone (docs/decisions/moved-tunnels.md).
   */
  move(reason: string): void;
  /** Bytes relayed so far: from the client, to the client. */
  bytes(): { in: number; out: number };
  /** Destroys it when it has been idle or half-closed for too long. */
  sweep(nowMs: number): void;
}

export interface Replica {
  readonly spec: ReplicaSpec;
  health: Health;
  /** Drained by the operator. */
  drained: boolean;
  state: ReplicaState;
  /** Why its last probe failed; undefined: it passed, or there was none. */
  reason: string | undefined;
  /** When it entered `state`, epoch ms. */
  since: number;
  readonly tunnels: LinkedSet<CarriedTunnel>;
  /** Requests and handshakes under way. */
  readonly inFlight: LinkedSet<Carried>;
}

export interface TableEvents {
  onState?(replica: Replica, from: ReplicaState): void;
  onEjected?(replica: Replica, cause: string): void;
  /** Called when its probe fails for another reason than the last time. */
  onFailing?(replica: Replica, reason: string): void;
}

/** The replicas that the proxy knows, their states, and what each carries. Changed live by probes and operators. */
export function createReplicaTable({ fall, rise }: { fall: number; rise: number }, events: TableEvents = {}) {
  const replicas = new Map<string, Replica>();
  /** Replicas at an old address of their name, while they still have tunnels or requests. */
  const moved = new Set<Replica>();
  let ids: readonly string[] = [];
  const stateOf = (id: string) => replicas.get(id)?.state;

  /** Updates `state` from health and drain, and calls the listeners. */
  function settle(replica: Replica): void {
    const { state } = replica.health;
    const next = replica.drained && state !== "down" ? "draining" : state;
    if (next === replica.state) return;
    const from = replica.state;
    replica.state = next;
    replica.since = Date.now();
    events.onState?.(replica, from);
  }

  function end(replica: Replica, cause: string): void {
    events.onEjected?.(replica, cause);
    cut(replica);
  }
  function cut(replica: Replica): void {
    for (const tunnel of replica.tunnels) tunnel.destroy("ejected");
    for (const request of replica.inFlight) request.eject();
  }

  function put(spec: ReplicaSpec): Replica {
    remove(spec.id);
    return enter(spec);
  }

  function enter(spec: ReplicaSpec): Replica {
    const replica: Replica = {
      spec,
      health: unprobed,
      drained: false,
      state: "down",
      reason: undefined,
      since: Date.now(),
      tunnels: new LinkedSet<CarriedTunnel>(),
      inFlight: new LinkedSet<Carried>(),
    };
    replicas.set(spec.id, replica);
    ids = [...replicas.keys()];
    return replica;
  }

  function remove(id: string): boolean {
    const replica = replicas.get(id);
    if (replica === undefined) return false;
    replicas.delete(id);
    ids = [...replicas.keys()];
    replica.state = "down";
    end(replica, "removed");
    for (const old of moved) if (old.spec.id === id) leave(old);
    return true;
  }

  function leave(old: Replica): void {
    moved.delete(old);
    old.state = "down";
    cut(old);
  }

  /** The old address ends when it fails, or when nothing is left there. */
  function observedMoved(old: Replica, seen: Observation): void {
    old.health = observe(old.health, seen, { fall, rise, last: false });
    const isEmpty = old.tunnels.size + old.inFlight.size === 0;
    if (isEmpty || old.health.state === "down") leave(old);
  }

  return {
    get ids() {
      return ids;
    },
    stateOf,
    get: (id: string) => replicas.get(id),
    all: () => [...replicas.values()],
    /** All replicas, and those whose name stands for another address now, which carry what they carried. */
    carriers: () => [...replicas.values(), ...moved],
    /** True while this very replica is in the table, or moved and still carries something. */
    has: (replica: Replica) => replicas.get(replica.spec.id) === replica || moved.has(replica),
    /** Replicas that take new sessions now. */
    routable: () => routable({ ids, stateOf }),
    /** Adds a replica, or replaces one of the same id: then what that carried ends. */
    put,
    /** Removes a replica for good and ends its tunnels and requests. Returns false if there was none. */
    remove,
    /**
     * The replica's name stands for another address now. New connections go there, after the next probe; what the old
     * address carries goes on until that one fails.
     */
    move(replica: Replica, spec: ReplicaSpec): Replica {
      moved.add(replica);
      const next = enter(spec);
      next.drained = replica.drained;
      return next;
    },
    setDrained(replica: Replica, drained: boolean): void {
      replica.drained = drained;
      settle(replica);
    },
    /** Applies a probe's finding. If the replica goes down, its tunnels are destroyed and its polls end. */
    observed(replica: Replica, seen: Observation): void {
      if (moved.has(replica)) {
        observedMoved(replica, seen);
        return;
      }
      const last = routable({ ids: ids.filter((id) => id !== replica.spec.id), stateOf }).length === 0;
      const wasUp = replica.health.state !== "down";
      const reason = seen.kind === "failed" ? seen.detail : undefined;
      if (reason !== undefined && reason !== replica.reason) events.onFailing?.(replica, reason);
      replica.reason = reason;
      replica.health = observe(replica.health, seen, { fall, rise, last });
      settle(replica);
      if (wasUp && replica.health.state === "down") end(replica, seen.kind === "failed" ? seen.cause : seen.kind);
    },
  };
}

export type ReplicaTable = ReturnType<typeof createReplicaTable>;
