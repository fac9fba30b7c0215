import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process, distinguished from a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Its start time in the system's form; opaque. */
  startedAt: string;
}

export type ProcessState = "running" | "paused" | "gone";

/** Reads the identity of `pid`; undefined if no such process is alive (a zombie is not). */
export function identify(pid: number): (ProcessIdentity & { state: ProcessState }) | undefined {
  const found = process.platform === "linux" ? readProc(pid) : readPs(pid);
  if (found === undefined || found.flags.startsWith("Z") || found.flags.startsWith("X")) return undefined;
  return { pid, startedAt: found.startedAt, state: found.flags.startsWith("T") ? "paused" : "running" };
}

/** State of exactly this process: `gone` if its pid is free or belongs to another process now. */
export function stateOf(identity: ProcessIdentity): ProcessState {
  const now = identify(identity.pid);
  return now === undefined || now.startedAt !== identity.startedAt ? "gone" : now.state;
}

/** Signals exactly this process, never another one that got its pid. Returns false if it is gone. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (stateOf(identity) === "gone") return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/**
 * proc(5): state is field 3, start time in clock ticks since boot field 22; the name before them may contain blanks.
 */
function readProc(pid: number): { flags: string; startedAt: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return { flags: fields[0] ?? "", startedAt: `${boot}/${fields[19]}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

function readPs(pid: number): { flags: string; startedAt: string } | undefined {
  let line: string;
  try {
    line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch (error) {
    // ps exits 1 if there is no such process.
    if ((error as { status?: number }).status === 1) return undefined;
    throw error;
  }
  const [flags = "", ...startedAt] = line.split(/\s+/);
  return { flags, startedAt: startedAt.join(" ") };
}
