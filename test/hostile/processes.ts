import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

/** A program of the stack under attack. */
export interface Watched {
  name: string;
  pid(): number;
}

export interface Size {
  /** Resident memory now and its peak since `resetPeak`, MiB. */
  rssMib: number;
  peakMib: number;
  descriptors: number;
  /** CPU time since its start, s. */
  cpuSeconds: number;
}

const gone: Size = { rssMib: Number.NaN, peakMib: Number.NaN, descriptors: Number.NaN, cpuSeconds: Number.NaN };

/** Clock ticks a second (sysconf(3), _SC_CLK_TCK): 100 on every Linux that runs Node. */
const ticksPerSecond = 100;

const mib = (status: string, field: string) =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;

/** Memory and descriptors of a process (proc(5)); NaN if it has ended. */
export function sizeOf({ pid }: Watched): Size {
  if (!existsSync(`/proc/${pid()}/fd`)) return gone;
  const status = readFileSync(`/proc/${pid()}/status`, "utf8");
  const [user = "", system = ""] =
    readFileSync(`/proc/${pid()}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
  return {
    rssMib: mib(status, "VmRSS"),
    peakMib: mib(status, "VmHWM"),
    descriptors: readdirSync(`/proc/${pid()}/fd`).length,
    cpuSeconds: (Number(user) + Number(system)) / ticksPerSecond,
  };
}

/** Resets the peak (proc(5), clear_refs). */
export function resetPeak({ pid }: Watched): void {
  writeFileSync(`/proc/${pid()}/clear_refs`, "5");
}
