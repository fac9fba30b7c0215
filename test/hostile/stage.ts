import { type Attack, createAttacker } from "../../ops/hostile/attacker.ts";
import { atLowPriority } from "../../ops/hostile/low-priority.ts";
import { over } from "../../ops/hostile/wire.ts";
import { until as untilOrNot } from "../../ops/wait/until.ts";
import { until } from "../support/poll.ts";
import type { Program } from "../support/program.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import type { BystanderReport, BystanderSettings } from "./bystanders/protocol.ts";
import { startBystanders } from "./bystanders/start.ts";
import { beforeMs, type Judgement, judge } from "./control/judge.ts";
import type { Sample } from "./control/protocol.ts";
import { startControl } from "./control/start.ts";
import { connectionsTo, resetPeak, type Size, sizeOf, type Watched } from "./processes.ts";

/** Largest growth of a program by an attack, MiB, at its peak. */
export const maxPeakMib = 64;

/** Minimum time for which the peers are watched, ms. */
const shortestMs = 500;

/** When an attack is over, the stack is done with its connections within this time, ms. */
export const settleMs = 8_000;
/** Connections of the twelve peers that come and go: those of their polls. */
const slackConnections = 8;

/** The result of one attack. */
export interface Outcome {
  attack: Attack;
  figures: Readonly<Record<string, number>>;
  opened: number;
  seconds: number;
  report: BystanderReport;
  /** What the machine did meanwhile, and in the second before. */
  samples: Sample[];
  /** Connections of the attacker that the stack still has {@link settleMs} later. */
  leftOver: number;
  /**
   * By program: MiB at the peak over what it was before; descriptors at most.
   */
  growth: { name: string; peakMib: number; descriptors: number; cpuSeconds: number }[];
  /** The programs' log lines at level error or above. */
  errors: string[];
  /** Last log lines of the programs that ended. */
  dead: string[];
}

/** Why an attack was stopped that went on after its time. */
export const tooLong = "it does not end with its time";
const isGone = ({ child }: Program) => child.exitCode !== null || child.signalCode !== null;

/** Rejects if an attack continues long after its time. */
async function overdue(time: AbortSignal): Promise<never> {
  await over(time);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  throw new Error(tooLong);
}

/** A complete stack with default settings, twelve peers, and the attacks beside them. */
export async function openStage(env: Record<string, string> = {}) {
  await using started = new AsyncDisposableStack();
  const stack: TestStack = started.use(await startStack({ env: { LOG_LEVEL: "info", ...env } }));
  const watched: Watched[] = [
    { name: "proxy", pid: () => stack.proxy.program().pid },
    ...stack.replicas.map(({ nodeId }) => ({ name: nodeId, pid: () => stack.replica(nodeId).program.pid })),
    { name: "redis", pid: () => stack.redis.process().pid },
  ];
  const outputs = () => [stack.proxy.program(), ...stack.replicas.map(({ program }) => program)];
  const settings: BystanderSettings = {
    proxyUrl: stack.proxy.url,
    proxyAdminUrl: stack.proxy.adminUrl,
    adminUrls: stack.replicas.map(({ adminUrl }) => adminUrl),
    nodeIds: stack.replicas.map(({ nodeId }) => nodeId),
  };
  let bystanders = await startBystanders(settings);
  started.defer(() => bystanders[Symbol.asyncDispose]());
  const control = started.use(await startControl());
  const all = started.move();
  const sizes = () => new Map(watched.map((one) => [one.name, sizeOf(one)]));
  const { hostname: host, port } = new URL(stack.proxy.url);

  /** The peers are watched from here on. Resolves with the function that ends it. */
  async function watch(): Promise<() => Promise<Pick<Outcome, "report" | "samples">>> {
    control.watch([process.pid, process.ppid, bystanders.pid, ...watched.map(({ pid }) => pid())]);
    const since = Date.now() - beforeMs;
    await bystanders.begin();
    return async () => {
      const report = await bystanders.end();
      return { report, samples: await control.since(since) };
    };
  }

  return {
    stack,
    watched,
    sizes,
    target: () => ({ host, port: Number(port), rooms: bystanders.rooms }),
    /** The peers' signals without an attack. */
    async undisturbed(ms: number): Promise<Judgement> {
      const end = await watch();
      await new Promise((resolve) => setTimeout(resolve, ms));
      const { report, samples } = await end();
      return judge(report.signals, samples);
    },
    /** Runs an attack beside the peers, at most for its time. */
    async run(attack: Attack): Promise<Outcome> {
      const connectionsBefore = connectionsTo(Number(port));
      const errorsBefore = outputs().map((program) => program.output().length);
      const before = sizes();
      for (const one of watched) resetPeak(one);
      const time = AbortSignal.timeout(attack.forMs);
      const attacker = createAttacker({ host, port: Number(port), rooms: bystanders.rooms }, time);
      const end = await watch();
      const begunAt = performance.now();
      let most = new Map<string, number>();
      let opened = 0;
      const looking = setInterval(() => {
        opened = Math.max(opened, attacker.opened);
        const descriptors = [...sizes()].map(([name, size]) => [name, size.descriptors] as const);
        most = new Map(descriptors.map(([name, count]) => [name, Math.max(count, most.get(name) ?? 0)]));
      }, 100);
      try {
        await atLowPriority(() => Promise.race([attack.run(attacker), overdue(time)]));
      } catch (error) {
        // Cut short by its own time, or by the guard that it met: its figures say whether it took place.
        const { message } = error as Error;
        if (!time.aborted || message === tooLong) attacker.count(`stopped: ${message}`);
      }
      const seconds = (performance.now() - begunAt) / 1_000;
      // Some attacks end at once. Their effects need a moment to appear.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, shortestMs - 1_000 * seconds)));
      opened = Math.max(opened, attacker.opened);
      attacker.end();
      const { report, samples } = await end();
      clearInterval(looking);
      const after = sizes();
      const leftOver = () => Math.max(0, connectionsTo(Number(port)) - connectionsBefore - slackConnections);
      // What is left over then is judged later.
      await untilOrNot(() => leftOver() === 0, { withinMs: settleMs, everyMs: 20 });
      const growth = watched.map(({ name }) => {
        const [was, is] = [before.get(name) as Size, after.get(name) as Size];
        return {
          name,
          peakMib: is.peakMib - was.rssMib,
          cpuSeconds: is.cpuSeconds - was.cpuSeconds,
          descriptors: Math.max(0, (most.get(name) ?? 0) - was.descriptors),
        };
      });
      const errors = outputs().flatMap((program, index) =>
        program
          .output()
          .slice(errorsBefore[index])
          .split("\n")
          .filter((line) => /"level":"?(error|fatal|50|60)/.test(line)),
      );
      const dead = outputs().flatMap((program) => (isGone(program) ? [program.output().slice(-2_000)] : []));
      const { figures } = attacker;
      return { attack, figures, opened, seconds, leftOver: leftOver(), report, samples, growth, errors, dead };
    },
    /** Runs after a harmful attack, so that the next one finds a healthy stack. */
    async mend(): Promise<void> {
      await bystanders[Symbol.asyncDispose]();
      for (const { nodeId, program } of [...stack.replicas]) if (isGone(program)) await stack.restart(nodeId);
      if (isGone(stack.proxy.program())) await stack.proxy.start();
      await until(
        "all replicas are ready again",
        async () => {
          const states = await Promise.all(stack.replicas.map(({ nodeId }) => stack.stateOf(nodeId)));
          return states.every((state) => state === "ready");
        },
        { withinMs: 20_000 },
      );
      bystanders = await startBystanders(settings);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;
