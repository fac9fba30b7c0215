import { expect } from "vitest";
import { type Attack, createAttacker } from "../../ops/hostile/attacker.ts";
import { atLowPriority } from "../../ops/hostile/low-priority.ts";
import { over } from "../../ops/hostile/wire.ts";
import { until } from "../support/poll.ts";
import type { Program } from "../support/program.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import type { BystanderReport, BystanderSettings } from "./bystanders/protocol.ts";
import { startBystanders } from "./bystanders/start.ts";
import { connectionsTo, resetPeak, type Size, sizeOf, type Watched } from "./processes.ts";

/** Largest growth of a program during an attack, MiB. */
const maxGrowthMib = 64;
/** Allowance for other changing descriptors: probes, scrapes, the proxy's idle pool. */
const slackDescriptors = 80;

/** Minimum time for which the peers are watched, ms. */
const shortestMs = 500;

/** When an attack is over, the stack is done with its connections within this time, ms. */
const settleMs = 8_000;
/** Connections of the twelve peers that come and go: those of their polls. */
const slackConnections = 8;

/** The result of one attack. */
export interface Outcome {
  attack: Attack;
  figures: Readonly<Record<string, number>>;
  opened: number;
  seconds: number;
  report: BystanderReport;
  /** Connections of the attacker that the stack still has {@link settleMs} later. */
  leftOver: number;
  /** By program: MiB at the peak and after it, over what it was before; descriptors at most. */
  growth: { name: string; peakMib: number; afterMib: number; descriptors: number; cpuSeconds: number }[];
  /** The programs' log lines at level error or above. */
  errors: string[];
  /** Last log lines of the programs that ended. */
  dead: string[];
}

const tooLong = "it does not end with its time";
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
  const all = started.move();
  const sizes = () => new Map(watched.map((one) => [one.name, sizeOf(one)]));
  const { hostname: host, port } = new URL(stack.proxy.url);

  async function undisturbed(ms: number): Promise<BystanderReport> {
    await bystanders.begin();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return bystanders.end();
  }

  return {
    stack,
    watched,
    sizes,
    target: () => ({ host, port: Number(port), rooms: bystanders.rooms }),
    undisturbed,
    /** Runs an attack beside the peers, at most for its time. */
    async run(attack: Attack): Promise<Outcome> {
      const connectionsBefore = connectionsTo(Number(port));
      const errorsBefore = outputs().map((program) => program.output().length);
      const before = sizes();
      for (const one of watched) resetPeak(one);
      const time = AbortSignal.timeout(attack.forMs);
      const attacker = createAttacker({ host, port: Number(port), rooms: bystanders.rooms }, time);
      await bystanders.begin();
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
      const report = await bystanders.end();
      clearInterval(looking);
      const after = sizes();
      const leftOver = () => Math.max(0, connectionsTo(Number(port)) - connectionsBefore - slackConnections);
      // What is left over is judged below.
      await until("the stack is done with the attack", () => leftOver() === 0, { withinMs: settleMs }).catch(
        () => undefined,
      );
      const growth = watched.map(({ name }) => {
        const [was, is] = [before.get(name) as Size, after.get(name) as Size];
        return {
          name,
          peakMib: is.peakMib - was.rssMib,
          afterMib: is.rssMib - was.rssMib,
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
      return { attack, figures, opened, seconds, leftOver: leftOver(), report, growth, errors, dead };
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

/** What must hold during and after every attack. */
export function expectUnhurt(outcome: Outcome): void {
  const { attack, figures, opened, seconds, leftOver, report, growth, errors, dead } = outcome;
  expect.soft(dead, "programs that ended").toEqual([]);
  expect.soft(figures, "it ends with its time").not.toHaveProperty([`stopped: ${tooLong}`]);
  expect.soft(leftOver, `its connections ${settleMs} ms later`).toBe(0);
  expect.soft(figures["sent"] ?? 0, `the attack took place: ${JSON.stringify(figures)}`).toBeGreaterThan(0);
  const { socketsLost, refused, lost, unanswered, repeated, strange, notReady } = report;
  expect
    .soft({ socketsLost, refused, lost, unanswered, repeated, strange, notReady }, "the peers beside it")
    .toEqual({ socketsLost: [], refused: {}, lost: 0, unanswered: 0, repeated: 0, strange: [], notReady: [] });
  expect.soft(report.sent, "signals sent beside it").toBeGreaterThan(30);
  expect.soft(report.p99Ms, "p99 of a signal, ms").toBeLessThanOrEqual(250);
  expect.soft(report.worstMs, "the slowest signal, ms").toBeLessThanOrEqual(1_500);
  for (const { name, peakMib, descriptors } of growth) {
    expect.soft(peakMib, `MiB that ${name} grew by`).toBeLessThanOrEqual(maxGrowthMib);
    const own = name === "proxy" ? 2 * opened : name === "redis" ? 0 : opened;
    expect
      .soft(descriptors, `descriptors of ${name} for ${opened} connections`)
      .toBeLessThanOrEqual(own + slackDescriptors);
  }
  expect.soft(errors.slice(0, 3), "lines at level error").toEqual([]);
  for (const { figure, max, min } of attack.bounds ?? []) {
    const value = figures[figure] ?? 0;
    if (max !== undefined) expect.soft(value, `${figure} in ${seconds.toFixed(1)} s`).toBeLessThanOrEqual(max(seconds));
    if (min !== undefined) expect.soft(value, figure).toBeGreaterThanOrEqual(min);
  }
}

/** One line of the table. */
export function lineOf({ attack, figures, opened, seconds, report, growth, errors }: Outcome): string {
  const { p99Ms, worstMs, lost, socketsLost, unanswered, notReady, refused } = report;
  const grown = growth
    .map(({ peakMib, descriptors, cpuSeconds }) => [peakMib.toFixed(0), descriptors, cpuSeconds.toFixed(1)].join("/"))
    .join(" ");
  const hurt = lost + unanswered + Object.values(refused).reduce((sum, count) => sum + count, 0);
  return [
    `${attack.guard.padEnd(12)} ${attack.name.slice(0, 70).padEnd(70)} ${seconds.toFixed(1)} s`,
    `p99 ${p99Ms.toFixed(0)} worst ${worstMs.toFixed(0)} ms  hurt ${hurt} sockets ${socketsLost.length} unready ${notReady.length}`,
    `MiB/fds/CPU s ${grown}  opened ${opened} errors ${errors.length} ${JSON.stringify(figures)}`,
  ].join("  ");
}
