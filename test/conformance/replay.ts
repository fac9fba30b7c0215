import { createClient } from "redis";
import { entriesSubject } from "../../services/signaling/backplane/nats/subject.ts";
import type { BackplaneServer, Variant } from "../support/backplane/backplane-server.ts";
import { connectNats } from "../support/backplane/nats-server.ts";
import { openWire } from "../support/backplane/wire.ts";
import { until } from "../support/poll.ts";

const streamKey = "hold-the-line:stream";

/** Publishes a captured signal again: the same bytes, with their time of sending. */
type Again = () => Promise<unknown>;

/** Captures the next signal to `room`, which `send` triggers. */
export function captureSignal(
  server: BackplaneServer,
  variant: Variant,
  room: string,
  send: () => Promise<unknown>,
): Promise<{ again: Again; close: () => void }> {
  if (variant === "streams") return captureEntry(server, room, send);
  if (variant === "nats-recovery") return captureStored(server, room, send);
  return captureMessage(server, variant, room, send);
}

async function captureStored({ servers }: BackplaneServer, room: string, send: () => Promise<unknown>) {
  const client = await connectNats({ servers: new URL(servers[0]?.url ?? "").host });
  let again: Again | undefined;
  client.subscribe(entriesSubject, {
    callback(_, { data }) {
      const message = Buffer.from(data);
      if (!message.includes(room)) return;
      again ??= async () => {
        client.publish(entriesSubject, message);
        await client.flush();
      };
    },
  });
  await client.flush();
  await send();
  return { again: await until("the signal is seen on the wire", () => again), close: () => void client.close() };
}

async function captureMessage(
  { servers }: BackplaneServer,
  variant: Variant,
  room: string,
  send: () => Promise<unknown>,
) {
  // The signal travels in the adapter's broadcast, or to the addressee's replica.
  const channels = [`socket.io#/signaling#r:${room}#`, "hold-the-line:replica:signaling-2"];
  const wires = await Promise.all(servers.map(({ url }) => openWire(url, variant)));
  let again: Again | undefined;
  for (const wire of wires)
    for (const channel of channels)
      await wire.subscribe(channel, (message) => {
        if (!message.includes(room) || message.includes("confirmed")) return;
        again ??= () => wire.publish(channel, message);
      });
  await send();
  return {
    again: await until("the signal is seen on the wire", () => again),
    close() {
      for (const wire of wires) wire.close();
    },
  };
}

async function captureEntry({ servers }: BackplaneServer, room: string, send: () => Promise<unknown>) {
  const client = createClient({ url: servers[0]?.url ?? "", disableOfflineQueue: true });
  client.on("error", () => client.destroy());
  await client.connect();
  await send();
  const entry = await until("the signal is in the stream", async () =>
    ((await client.xRevRange(streamKey, "+", "-", { COUNT: 50 })) ?? []).find(({ message }) =>
      message["data"]?.includes(room),
    ),
  );
  return { again: () => client.xAdd(streamKey, "*", { ...entry.message }), close: () => client.destroy() };
}
