import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../support/poll.ts";
import type { Job } from "./client.ts";
import { start, type Target } from "./targets.ts";

/** Forks the load client, gives it one job and returns its result. `onStarted` runs when the load begins. */
async function drive(job: Job, onStarted: () => void): Promise<{ count: number; child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, "client.ts"));
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`the load client exited (${code}) in ${JSON.stringify(job)}`);
  });
  failed.catch((error: Error) => process.stderr.write(job.kind === "hold" ? "" : `${error.message}\n`));
  const started = new Promise<void>((resolve) => child.on("message", (said) => said === "started" && resolve()));
  const done = new Promise<number>((resolve) => {
    child.on("message", (said) => {
      if (typeof said === "object" && said !== null && "count" in said) resolve(Number(said.count));
    });
  });
  child.send(job);
  await Promise.race([started, failed]);
  onStarted();
  return { count: await Promise.race([done, failed]), child };
}

/** Operations, seconds and CPU seconds of the target from the load's begin to its end. */
async function underLoad(target: Target, job: Job) {
  let startedAt = 0;
  let cpuBefore = 0;
  const { count, child } = await drive(job, () => {
    startedAt = performance.now();
    cpuBefore = target.name === "direct" ? 0 : target.cpuSeconds();
  });
  const cpuSeconds = target.name === "direct" ? 0 : target.cpuSeconds() - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1_000;
  child.removeAllListeners("exit").kill("SIGKILL");
  return { count, seconds, cpuSeconds };
}

export const measures = {
  /** CPU microseconds of the proxy per message at a paced rate. */
  messages: (perSecond: number | "saturated", seconds: number) => async (target: Target) => {
    const connections = perSecond === "saturated" ? 64 : 400;
    const { count, cpuSeconds } = await underLoad(target, {
      kind: "messages",
      port: target.port,
      seconds,
      connections,
      perSecond,
    });
    return (cpuSeconds / count) * 1e6;
  },
  /** Messages per second, closed loop. */
  messageRate: (seconds: number) => async (target: Target) => {
    const job: Job = { kind: "messages", port: target.port, seconds, connections: 64, perSecond: "saturated" };
    const done = await underLoad(target, job);
    return done.count / done.seconds;
  },
  /** CPU microseconds per long-polling GET on kept-alive connections. */
  polls: (seconds: number) => async (target: Target) => {
    const { count, cpuSeconds } = await underLoad(target, {
      kind: "polls",
      port: target.port,
      seconds,
      connections: 50,
    });
    return (cpuSeconds / count) * 1e6;
  },
  /** CPU microseconds of the proxy per tunnel opened and reset. */
  upgradeCpu: (seconds: number) => async (target: Target) => {
    const { count, cpuSeconds } = await underLoad(target, {
      kind: "upgrades",
      port: target.port,
      seconds,
      connections: 32,
    });
    return (cpuSeconds / count) * 1e6;
  },
  /** Tunnels opened and reset per second. */
  upgrades: (seconds: number) => async (target: Target) => {
    const done = await underLoad(target, { kind: "upgrades", port: target.port, seconds, connections: 32 });
    return done.count / done.seconds;
  },
};

/** Resident bytes per idle tunnel: the slope from `tunnels` to four times as many, so that start-up does not count. */
export async function idleMemory(target: Target, tunnels: number): Promise<number> {
  const children: ChildProcess[] = [];
  const resident: number[] = [];
  for (const connections of [tunnels, tunnels * 3]) {
    const { child } = await drive({ kind: "hold", port: target.port, connections }, () => undefined);
    children.push(child);
    await delay(3_000);
    resident.push(target.rssBytes());
  }
  for (const child of children) child.removeAllListeners("exit").kill("SIGKILL");
  return ((resident[1] as number) - (resident[0] as number)) / (tunnels * 3);
}

/** Starts an upstream and resolves when it answers. */
export async function startUpstream(port: number): Promise<ChildProcess> {
  const child = start(process.execPath, [join(import.meta.dirname, "upstream.ts"), String(port)]);
  await until("the upstream answers", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  return child;
}

/** Milliseconds from this signal to the upstream until every client tunnel is closed; infinite above `limitMs`. */
export async function cutTime(target: Target, upstream: ChildProcess, signal: "SIGKILL" | "SIGSTOP", limitMs: number) {
  const { child } = await drive({ kind: "hold", port: target.port, connections: 100 }, () => undefined);
  await target.beforeCut?.();
  const closed = new Promise<number>((resolve) => {
    child.on("message", (said) => {
      if (typeof said === "object" && said !== null && "closedAt" in said) resolve(Number(said.closedAt));
    });
  });
  const at = Date.now();
  upstream.kill(signal);
  const closedAt = await Promise.race([closed, delay(limitMs, Number.POSITIVE_INFINITY, { ref: false })]);
  if (signal === "SIGSTOP") upstream.kill("SIGCONT");
  child.removeAllListeners("exit").kill("SIGKILL");
  return closedAt - at;
}
