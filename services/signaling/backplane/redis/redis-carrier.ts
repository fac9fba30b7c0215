import type { BackplaneContext } from "../backplane.ts";
import { type Carrier, createCarrier } from "../carrier.ts";
import type { RedisConnection } from "./redis-connection.ts";

/**
 * A carrier on Redis. One more lane, `role`, returns from a master alone: a read-only copy takes PUBLISH too, and the
 * replicas on its master do not hear it.
 */
export function createRedisCarrier<C extends RedisConnection>(
  context: BackplaneContext,
  options: Omit<Parameters<typeof createCarrier<C>>[1], "variables">,
): Carrier<C> {
  const { log } = context;
  let isRefused = false;
  const role = {
    name: "role",
    async send(payload: string): Promise<void> {
      const connection = carrier.reconnector.connection();
      if (connection === undefined) return;
      const answers = await connection.command(["INFO", "replication"]).catch((error: Error) => {
        if (!error.message.startsWith("NOPERM")) throw error;
        if (!isRefused) log.warn("cannot ask Redis whether it is the master: its user needs +info");
        isRefused = true;
        return [];
      });
      if (answers.every((text) => /^role:master\r?$/m.test(String(text)))) carrier.canary.receive("role", payload);
      else carrier.leave("Redis is a read-only copy of another server: REDIS_URL must lead to the master");
    },
  };
  const carrier: Carrier<C> = createCarrier(context, {
    ...options,
    variables: "REDIS_URL, REDIS_USERNAME, REDIS_PASSWORD",
    lanes: [role, ...(options.lanes ?? [])],
  });
  return carrier;
}
