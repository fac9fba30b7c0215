import { createClient } from "redis";
import type { BackplaneServer, Variant } from "../support/backplane/backplane-server.ts";
import { until } from "../support/poll.ts";

const streamKey = "hold-the-line:stream";

/**
 * Captures the next signal to `room`, which `send` triggers. Resolves with a function that publishes the same bytes
 * again, including their time of sending.
 */
export async function captureSignal(
  { servers }: BackplaneServer,
  variant: Variant,
  room: string,
  send: () => Promise<unknown>,
): Promise<{ again: () => Promise<void>; close: () => void }> {
  // The signal travels in the adapter's broadcast, or to the addressee's replica.
  const channels = [`socket.io#/signaling#r:${room}#`, "hold-the-line:replica:signaling-2"];
  const clients = await Promise.all(
    servers.map(async ({ url }) => {
      const client = createClient({ url, disableOfflineQueue: true });
      client.on("error", () => client.destroy());
      await client.connect();
      return client;
    }),
  );
  const close = () => {
    for (const client of clients) client.destroy();
  };
  let again: (() => Promise<void>) | undefined;
  for (const client of clients) {
    const take = (message: Buffer, channel: Buffer) => {
      if (!message.includes(room) || message.includes("confirmed")) return;
      again ??= async () => {
        await (variant === "pubsub"
          ? client.publish(channel.toString(), message)
          : client.sPublish(channel.toString(), message));
      };
    };
    for (const channel of channels)
      if (variant === "pubsub") await client.subscribe(channel, take, true);
      else if (variant !== "streams")
        await client.sSubscribe(channel, take, true).catch((error: Error) => {
          if (!error.message.startsWith("MOVED")) throw error;
        });
  }
  await send();
  const [first] = clients;
  const find = async () => {
    if (variant !== "streams" || first === undefined) return again;
    const entries = (await first.xRevRange(streamKey, "+", "-", { COUNT: 50 })) ?? [];
    const entry = entries.find(({ message }) => message["data"]?.includes(room));
    return entry === undefined ? undefined : async () => void (await first.xAdd(streamKey, "*", { ...entry.message }));
  };
  return { again: await until("the signal is seen on the wire", find), close };
}
