import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { loadConfig } from "../../common/config.ts";
import { schema } from "../../ops/config.ts";
import { openStack, type Stack } from "../../ops/open-stack.ts";
import { defaultPorts } from "../../ops/ports.ts";
import { openStateDir } from "../../ops/process/state-dir.ts";
import { bringUp, takeDown } from "../../ops/process/up.ts";

/** A whole stack on the process engine, on ports of its own; its life is the test's: `await using`. */
export type ProcessStack = Stack & AsyncDisposable & { name: string; portBase: number };

/**
 * Brings a stack up, ready when it resolves. web/dist is not built here: `make test` did.
 *
 * @param settings variables of .env.example
 */
export async function startProcessStack(settings: Record<string, string> = {}): Promise<ProcessStack> {
  const root = join(import.meta.dirname, "../..");
  const portBase = await freePortBase();
  const name = `test-${process.pid}-${portBase}`;
  const state = openStateDir(root, name);
  state.create();
  state.saveStack({ portBase, settings });
  const stack = openStack(root, loadConfig(schema, { STACK: name }), process.env);
  const end = async () => {
    await takeDown(stack.state);
    rmSync(stack.state.dir, { recursive: true, force: true });
  };
  try {
    await bringUp({ ...stack, print: () => undefined });
  } catch (error) {
    await end();
    throw error;
  }
  return { ...stack, name, portBase, [Symbol.asyncDispose]: end };
}

/**
 * A PORT_BASE whose ports are free now. All ports stay under the range that the system takes outgoing ports from, and
 * the step keeps the port groups of any two bases apart.
 */
export async function freePortBase(): Promise<number> {
  const bases = Array.from({ length: 90 }, (_, index) => 10_000 + index * 140);
  const offset = Math.floor(Math.random() * bases.length);
  for (const base of [...bases.slice(offset), ...bases.slice(0, offset)]) {
    const free = await Promise.all(Object.values(defaultPorts).map((port) => isFree(port + base)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no PORT_BASE from 10000 to 22460 has all its ports free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
