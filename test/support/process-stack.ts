import { rmSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../common/config.ts";
import { schema } from "../../ops/config.ts";
import { type PortOf, portsOf } from "../../ops/ports.ts";
import { openStateDir } from "../../ops/process/state-dir.ts";
import { bringUp, takeDown } from "../../ops/process/up.ts";
import { openStack, type Stack } from "../../ops/stack/open-stack.ts";
import { freePortBase } from "./free-port.ts";

/** A complete stack on the process engine, on ports of its own. It ends with the test: `await using`. */
export type ProcessStack = Stack & AsyncDisposable & { name: string; portBase: number };

/**
 * Starts a stack and resolves when it is ready. It does not build web/dist; `make test` does.
 *
 * @param given variables of .env.example, which may depend on the stack's ports
 */
export async function startProcessStack(
  given: Record<string, string> | ((port: PortOf) => Record<string, string>) = {},
): Promise<ProcessStack> {
  const root = join(import.meta.dirname, "../..");
  const portBase = await freePortBase();
  const settings = typeof given === "function" ? given(portsOf(portBase, {})) : given;
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
