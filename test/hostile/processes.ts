import { readdirSync, readFileSync, writeFileSync } from "node:fs";

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
}

const mib = (status: string, field: string) =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;

/** Memory and descriptors of a process (proc(5)). Throws when it is gone. */
export function sizeOf({ pid }: Watched): Size {
  const status = readFileSync(`/proc/${pid()}/status`, "utf8");
  return {
    rssMib: mib(status, "VmRSS"),
    peakMib: mib(status, "VmHWM"),
    descriptors: readdirSync(`/proc/${pid()}/fd`).length,
  };
}

/** The peak is counted from now on (proc(5), clear_refs). */
export function resetPeak({ pid }: Watched): void {
  writeFileSync(`/proc/${pid()}/clear_refs`, "5");
}
