import { readdirSync, readFileSync } from "node:fs";
import { identify, type ProcessIdentity } from "./identity.ts";

/** Variable in the environment of every launched process. It names its stack and service. */
const marker = "HOLD_THE_LINE";

/** The value that marks a process as the service `id` of the stack whose state is in `dir`. */
export function markOf(dir: string, id: string): Record<string, string> {
  return { [marker]: `${dir}/${id}` };
}

/**
 * Finds processes that are marked as services of a stack, or as its service `id`. An `up` that is killed between a
 * start and its record leaves one. Works on Linux only; elsewhere it finds none.
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
    // The process has ended, or belongs to another user.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
