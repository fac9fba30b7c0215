import { createClient } from "redis";
import { Adapter } from "socket.io-adapter";

/**
 * Loaded into a replica (`node --import`): what it delivers to its own sockets waits for a round trip to Redis first, as
 * the library's sharded and streams adapters do it. The negative control of redis-slow.
 */
const client = createClient({ url: process.env["REDIS_URL"] ?? "" });
client.on("error", (error: Error) => process.stderr.write(`deliver-after-redis: ${error.message}\n`));
await client.connect();
const deliver = Adapter.prototype.broadcast;
Adapter.prototype.broadcast = function (packet, options) {
  client.ping().then(
    () => deliver.call(this, packet, options),
    (error: Error) => process.stderr.write(`deliver-after-redis: ${error.message}\n`),
  );
};
