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

/** Connections to a TCP port of this machine that are open at its side, those too that wait to be accepted (proc(5)). */
export function connectionsTo(port: number): number {
  const own = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const [established, closeWait] = ["01", "08"];
  return ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => local.endsWith(own) && (state === established || state === closeWait)).length;
}

/** The peak is counted from now on (proc(5), clear_refs). */
export function resetPeak({ pid }: Watched): void {
  writeFileSync(`/proc/${pid()}/clear_refs`, "5");
}
