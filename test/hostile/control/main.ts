import { existsSync, readFileSync } from "node:fs";
import type { Order, Sample, Told } from "./protocol.ts";

/**
 * The control, in a process of its own at the priority of the replicas. It has no socket, so no attack reaches it. Ten
 * times a second it notes by how much its clock came late, and who used the processors (proc(5): /proc/stat,
 * /proc/PID/stat).
 */
const everyMs = 100;
/** Samples are kept for this time, ms. */
const keepMs = 120_000;
/** Clock ticks a second (sysconf(3), _SC_CLK_TCK): 100 on every Linux that runs Node. */
const ticksPerSecond = 100;

interface Counters {
  at: number;
  busy: number;
  idle: number;
  own: Map<number, number>;
}

const tell = (told: Told) => process.send?.(told);
let pids: number[] = [];
let samples: Sample[] = [];

/** User and system time of a process since its start, ticks; undefined if it has ended. */
function ticksOf(pid: number): number | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function read(): Counters {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const own = new Map<number, number>();
  for (const pid of [process.pid, ...pids]) {
    const ticks = ticksOf(pid);
    if (ticks !== undefined) own.set(pid, ticks);
  }
  return { at: Date.now(), busy: user + nice + system + irq + softirq + steal, idle: idle + iowait, own };
}

let last = read();
let due = performance.now() + everyMs;

function tick(): void {
  const lateMs = Math.max(0, performance.now() - due);
  const now = read();
  const ticks = Math.max(1, ((now.at - last.at) * ticksPerSecond) / 1_000);
  const own = [...now.own].reduce((sum, [pid, used]) => sum + used - (last.own.get(pid) ?? used), 0);
  samples.push({
    from: last.at,
    until: now.at,
    lateMs,
    own: own / ticks,
    others: Math.max(0, now.busy - last.busy - own) / ticks,
    idle: (now.idle - last.idle) / ticks,
  });
  samples = samples.filter(({ until }) => until > now.at - keepMs);
  last = now;
  due = performance.now() + everyMs;
  setTimeout(tick, everyMs);
}

process.on("message", (order: Order) => {
  if (order.kind === "watch") ({ pids } = order);
  else tell({ kind: "report", samples: samples.filter(({ until }) => until >= order.since) });
});
process.on("disconnect", () => process.exit());
setTimeout(tick, everyMs);
tell({ kind: "ready" });
