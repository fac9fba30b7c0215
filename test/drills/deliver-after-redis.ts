import { readFileSync } from "node:fs";
import { createClient } from "redis";
import * as ws from "ws";

/**
 * Loaded into a replica (`node --import`). Each write to its WebSockets first waits for a round trip to Redis, as local
 * delivery does with the library's sharded and streams adapters. It is the negative control of redis-slow.
 */
const { REDIS_URL = "", REDIS_USERNAME, REDIS_PASSWORD_FILE } = process.env;
const client = createClient({
  url: REDIS_URL,
  ...(REDIS_USERNAME === undefined ? {} : { username: REDIS_USERNAME }),
  ...(REDIS_PASSWORD_FILE === undefined ? {} : { password: readFileSync(REDIS_PASSWORD_FILE, "utf8").trim() }),
});
const say = ({ message }: Error) => process.stderr.write(`deliver-after-redis: ${message}\n`);
client.on("error", say);
await client.connect();

/** Delays a method of every object of this kind. Its return value is not used here. */
function delay(prototype: object, method: string): void {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const now = methods[method];
  if (now === undefined) throw new Error(`ws has no ${method} any more`);
  methods[method] = function (this: unknown, ...args: unknown[]) {
    client.ping().then(() => now.apply(this, args), say);
  };
}
// The types of ws do not declare `Sender`.
const { Sender } = ws as unknown as { Sender: { prototype: object } };
delay(ws.WebSocket.prototype, "send");
delay(Sender.prototype, "sendFrame");
