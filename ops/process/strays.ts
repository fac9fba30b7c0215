import { readdirSync, readFileSync } from "node:fs";
import { identify, type ProcessIdentity } from "./identity.ts";

/** Variable in the environment of everything that is launched: which service of which stack it is. */
const marker = "HOLD_THE_LINE";

/** What marks a process as the service `id` of the stack whose state is in `dir`. */
export function markOf(dir: string, id: string): Record<string, string> {
  return { [marker]: `${dir}/${id}` };
}

/**
 * Processes that are marked as services of a stack, or as its service `id`. An `up` that was killed between a start and
 * its record leaves one. On Linux alone; elsewhere none are found.
 */
export function findStrays(dir: string, id = ""): ProcessIdentity[] {
  if (process.platform !== "linux") return [];
  const mark = `${marker}=${dir}/${id}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => environmentOf(name).some((line) => (id === "" ? line.startsWith(mark) : line === mark)))
    .flatMap((name) => identify(Number(name)) ?? []);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch (error) {
    // Gone since, or another user's.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
