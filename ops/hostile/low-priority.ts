import { getPriority, setPriority } from "node:os";

/** Nice value of a process that attacks. */
const nice = 19;

/**
 * Runs an attack at low priority. It works as fast as it can, often on the machine of the stack: what is measured is
 * what it costs the stack, not the processor time that it takes from the stack.
 */
export async function atLowPriority<T>(attack: () => Promise<T>): Promise<T> {
  const before = getPriority();
  setPriority(Math.max(before, nice));
  try {
    return await attack();
  } finally {
    restore(before);
  }
}

function restore(priority: number): void {
  try {
    setPriority(priority);
  } catch (error) {
    // Only root may raise a priority. Without that right the process keeps the low one.
    if (!/EACCES|EPERM/.test(String((error as Error).message))) throw error;
  }
}
