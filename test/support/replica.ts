import { join } from "node:path";
import { nodeFlags } from "../../ops/process/node-flags.ts";
import { freePort } from "./free-port.ts";
import { until } from "./poll.ts";
import { type Program, startProgram } from "./program.ts";

export interface Replica {
  nodeId: string;
  port: number;
  adminPort: number;
  url: string;
  adminUrl: string;
  program: Program;
}

/**
 * Starts the replica's program on free ports and resolves when it is ready. If it does not become ready, the error
 * contains its output.
 *
 * @param checkout folder of another version, whose program is started
 */
export async function startReplica(
  nodeId: string,
  redisUrl: string,
  env: Record<string, string> = {},
  ports?: [port: number, adminPort: number],
  checkout = ".",
): Promise<Replica> {
  const [port, adminPort] = ports ?? [await freePort(), await freePort()];
  const program = startProgram("node", [...nodeFlags, join(checkout, "services/signaling/main.ts")], {
    NODE_ID: nodeId,
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    REDIS_URL: redisUrl,
    ...env,
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  try {
    await until(`${nodeId} is ready`, async () => (await fetch(`${adminUrl}/readyz`)).ok, { withinMs: 30_000 });
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${program.output()}`);
  }
  return { nodeId, port, adminPort, url: `http://127.0.0.1:${port}`, adminUrl, program };
}
