import { isNats } from "../nats/ids.ts";
import { isRedis, isSentinel } from "../redis/ids.ts";
import type { Done, Engine, Slowness } from "../stack/engine.ts";
import { typedChange } from "../stack/http.ts";
import { isProxy } from "../stack/proxy-id.ts";
import { isReplica } from "../stack/replica-id.ts";
import { changeDrain, replicaTable } from "../stack/replica-table.ts";

/** Options of a verb, beside its target. */
export type VerbOptions = Partial<Slowness> & {
  /** Set by a game day: the action leaves no mark and no record. `heal` needs neither. */
  hidden?: boolean;
};

/** What an action can be done to. */
export type TargetKind = "replica" | "redis" | "sentinel" | "nats" | "proxy" | "balancer";

/** One action on one target. Every verb has this shape; actions.ts does the common part. */
export interface Verb {
  summary: string;
  /** Kinds of target that it works on. */
  targets: readonly TargetKind[];
  /** The alternative for other kinds of target. */
  instead?: string;
  act(engine: Engine, target: string, options: VerbOptions): Promise<Done>;
  /** True if its effect lasts until it is undone. Its record and mark last as long. */
  holds?: true;
  /** Verbs whose effect on the same target this verb ends. */
  ends?: readonly string[];
  /** What an operator should watch. */
  watch(target: string): string;
}

const anything = ["replica", "redis", "sentinel", "nats", "proxy", "balancer"] as const;

/** The visible effect of the loss of a target, by kind. */
const loss = (target: string) => {
  if (target === "redis") return "peers on one replica still reach each other; /readyz says degraded within 2 s";
  if (isRedis(target))
    return "a lost master or primary: degraded within 3 s, ready at the next within 8 s; a lost copy: nothing";
  if (isNats(target))
    return "the replicas that use it: degraded within 2 s, and ready at once where another server of the cluster runs";
  if (isSentinel(target)) return "nothing while two Sentinels run; one alone begins no failover";
  if (target === "balancer") return "clients with several addresses go on at the next one; the others wait for it";
  if (isProxy(target)) return "media goes on; its peers are signaling-lost until it, or another proxy, takes them";
  return "its peers reconnect to the other replicas; media never stops (make status, dashboard Drill live)";
};
const recovery = (target: string) => `${target} is ready again in make status; alerts resolve`;

const drain = async ({ endpoints }: Engine, id: string, verb: "drain" | "undrain"): Promise<string> => {
  await changeDrain(endpoints, id, verb);
  return endpoints
    .draining(id)
    .map((base) => typedChange("POST", `${base}/${verb}`))
    .join("; ");
};
const replicaState = async (engine: Engine, id: string) =>
  (await replicaTable(engine.endpoints)).find((row) => row.id === id)?.state;

/** The chaos actions by name. */
export const verbs: Readonly<Record<string, Verb>> = {
  kill: {
    summary: "SIGKILL; it stays dead until start",
    targets: anything,
    act: (engine, target) => engine.kill(target),
    holds: true,
    watch: loss,
  },
  crash: {
    summary: "SIGKILL inside the container; the restart policy starts it again",
    targets: anything,
    act: (engine, target) => engine.crash(target),
    watch: (target) => `${loss(target)}; ready again within 15 s`,
  },
  start: {
    summary: "start a killed or stopped service",
    targets: anything,
    act: (engine, target) => engine.start(target),
    ends: ["kill"],
    watch: recovery,
  },
  pause: {
    summary: "freeze it: sockets stay open without an answer",
    targets: anything,
    act: (engine, target) => engine.pause(target),
    holds: true,
    watch: (target) =>
      isReplica(target)
        ? "the proxy ejects it and cuts its tunnels within 2 s, long before the 45 s ping limit"
        : loss(target),
  },
  resume: {
    summary: "resume a frozen service",
    targets: anything,
    act: (engine, target) => engine.resume(target),
    ends: ["pause"],
    watch: recovery,
  },
  drain: {
    summary: "take no new sessions and move the peers at a pace; it keeps running",
    targets: ["replica"],
    async act(engine, target) {
      const changed = (await replicaState(engine, target)) !== "draining";
      return { changed, typed: await drain(engine, target, "drain") };
    },
    holds: true,
    watch: (target) => `peers leave ${target} paced by DRAIN_PER_SECOND; no acknowledged signal is lost`,
  },
  undrain: {
    summary: "take new sessions again",
    targets: ["replica"],
    async act(engine, target) {
      const changed = (await replicaState(engine, target)) === "draining";
      return { changed, typed: await drain(engine, target, "undrain") };
    },
    ends: ["drain"],
    watch: recovery,
  },
  restart: {
    summary: "stop in order, then start",
    targets: anything,
    act: (engine, target) => engine.restart(target),
    ends: ["kill", "pause", "drain"],
    watch: (target) => (isReplica(target) ? "its peers are moved before it ends; setups go on" : loss(target)),
  },
  partition: {
    summary: "partition it from the backplane; packets vanish, no connection is refused",
    targets: ["replica", "redis", "nats"],
    instead: "pause proxy leaves its sockets open and unanswered",
    act: (engine, target) => engine.partition(target),
    holds: true,
    watch: (target) =>
      isReplica(target) ? `${target} says degraded within 3 s; the proxy moves its peers 3 s later` : loss(target),
  },
  slow: {
    summary: "add latency to its way to the backplane (--ms 200 --jitter 50)",
    targets: ["replica", "redis", "nats"],
    instead: "the proxy is not on the way to the backplane",
    act: (engine, target, { latencyMs = 200, jitterMs = 50 }) => engine.slow(target, { latencyMs, jitterMs }),
    holds: true,
    watch: () => "signals across replicas take longer, signals on one replica do not (dashboard Replicas)",
  },
};
