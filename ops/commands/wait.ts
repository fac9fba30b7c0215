import type { Command } from "../command.ts";
import { CannotError } from "../stack/engine.ts";
import { isReplica } from "../stack/replica-id.ts";
import { awaitReady } from "../stack/replica-table.ts";

/** Returns once the proxy routes to every replica. */
export const wait: Command = {
  usage: "",
  summary: "return when every replica is ready",
  async run({ stack: { engine } }) {
    const replicas = (await engine.services()).map(({ id }) => id).filter(isReplica);
    if (replicas.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
    await awaitReady(engine.endpoints, replicas);
    return 0;
  },
};
