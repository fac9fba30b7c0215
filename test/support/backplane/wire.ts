import { createClient } from "redis";
import { subjectOf } from "../../../services/signaling/backplane/nats/subject.ts";
import { isNatsVariant, type Variant } from "./backplane-server.ts";
import { connectNats } from "./nats-server.ts";

/** Another program's connection to one server of a backplane. It knows the replicas' channels, and not their key. */
export interface Wire {
  publish(channel: string, payload: Buffer | string): Promise<unknown>;
  subscribe(channel: string, listener: (payload: Buffer) => void): Promise<unknown>;
  close(): void;
}

export const openWire = (url: string, variant: Variant): Promise<Wire> =>
  isNatsVariant(variant)
    ? openNatsWire(url)
    : openRedisWire(url, variant === "sharded" || variant === "sharded-cluster");

async function openRedisWire(url: string, isSharded: boolean): Promise<Wire> {
  const client = createClient({ url, disableOfflineQueue: true });
  client.on("error", () => client.destroy());
  await client.connect();
  // The primary of another slot answers MOVED, which is correct.
  const here = (done: Promise<unknown>) =>
    done.catch((error: Error) => {
      if (!error.message.startsWith("MOVED")) throw error;
    });
  return {
    publish: (channel, payload) =>
      isSharded ? here(client.sPublish(channel, payload)) : client.publish(channel, payload),
    subscribe: (channel, listener) =>
      isSharded ? here(client.sSubscribe(channel, listener, true)) : client.subscribe(channel, listener, true),
    close: () => client.destroy(),
  };
}

async function openNatsWire(url: string): Promise<Wire> {
  const client = await connectNats({ servers: new URL(url).host });
  return {
    async publish(channel, payload) {
      client.publish(subjectOf(channel), payload);
      await client.flush();
    },
    async subscribe(channel, listener) {
      client.subscribe(subjectOf(channel), { callback: (_, { data }) => listener(Buffer.from(data)) });
      await client.flush();
    },
    close: () => void client.close(),
  };
}
