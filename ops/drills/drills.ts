import { badStickiness } from "./bad-stickiness.ts";
import { crashNode } from "./crash-node.ts";
import type { Drill } from "./define-drill.ts";
import { doubleKill } from "./double-kill.ts";
import { drainNode } from "./drain-node.ts";
import { freezeNode } from "./freeze-node.ts";
import { freezeOneProxy } from "./freeze-one-proxy.ts";
import { hostileClient } from "./hostile-client.ts";
import { killBalancer } from "./kill-balancer.ts";
import { killNode } from "./kill-node.ts";
import { killOneProxy } from "./kill-one-proxy.ts";
import { killProxy } from "./kill-proxy.ts";
import { natsKill } from "./nats-kill.ts";
import { partitionNode } from "./partition-node.ts";
import { redisFailover } from "./redis-failover.ts";
import { redisFreeze } from "./redis-freeze.ts";
import { redisFreezeMaster } from "./redis-freeze-master.ts";
import { redisKill } from "./redis-kill.ts";
import { redisSlow } from "./redis-slow.ts";
import { roll } from "./roll.ts";
import { rollProxies } from "./roll-proxies.ts";
import { scaleOut } from "./scale-out.ts";
import { shardLoss } from "./shard-loss.ts";
import { slowClient } from "./slow-client.ts";
import { storm } from "./storm.ts";

/** Every drill that holds, in the order of docs/drills.md. */
export const drills: readonly Drill[] = [
  killNode,
  crashNode,
  freezeNode,
  drainNode,
  roll,
  partitionNode,
  redisKill,
  redisFreeze,
  redisSlow,
  killProxy,
  storm,
  scaleOut,
  doubleKill,
  slowClient,
  badStickiness,
];

/** Drills of two proxies behind a balancer (PROXIES=2). */
export const balanced: readonly Drill[] = [killOneProxy, freezeOneProxy, killBalancer, rollProxies];

/** Drills of three Redis servers with Sentinels (REDIS=sentinel). */
export const failingOver: readonly Drill[] = [redisFailover, redisFreezeMaster];

/** Drills for one kind of servers of the backplane: Sentinels, a Redis Cluster (REDIS=cluster), NATS (BACKPLANE=nats). */
export const ofServers: readonly Drill[] = [...failingOver, shardLoss, natsKill];

/** Drills that run only by name: other work on the machine spoils their bounds on latency. */
export const byName: readonly Drill[] = [hostileClient];
