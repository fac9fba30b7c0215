import { createClient } from "redis";
import { backplaneKey, createEnvelope } from "../../services/signaling/backplane/envelope.ts";
import { entriesSubject } from "../../services/signaling/backplane/nats/subject.ts";
import { createEntrySeal } from "../../services/signaling/backplane/streams/stream-entry.ts";
import { writeAddressed } from "../../services/signaling/gateways/socketio-packet.ts";
import type { BackplaneServer, Variant } from "../support/backplane/backplane-server.ts";
import { connectNats } from "../support/backplane/nats-server.ts";
import { openWire } from "../support/backplane/wire.ts";

/** A test's replicas have no secret and use the development key. */
const envelope = createEnvelope(backplaneKey({}));

/** Messages of a hostile or broken program, with and without a valid envelope. */
const bodies: (string | Buffer)[] = [
  "",
  "{",
  "{}",
  "null",
  "[]",
  '"text"',
  Buffer.from([0xc1, 0xff, 0x00]),
  Buffer.alloc(100_000, 0x7b),
  // Requests of the pub/sub adapter, by number, without their required fields.
  ...Array.from({ length: 11 }, (_, type) => JSON.stringify({ type, requestId: "x" })),
  ...Array.from({ length: 11 }, (_, type) => JSON.stringify({ type, uid: "x", opts: {}, data: 7, packet: null })),
  JSON.stringify({ type: 6, data: ["connection", {}] }),
  JSON.stringify({ type: 6, data: ["error", "x"] }),
  JSON.stringify({ type: 6, data: ["presence", { type: "joined" }] }),
  JSON.stringify({ type: 6, data: ["presence"] }),
  // Messages of the cluster adapters.
  ...Array.from({ length: 15 }, (_, type) => JSON.stringify({ type, uid: "x", nsp: "/signaling" })),
  ...Array.from({ length: 15 }, (_, type) => JSON.stringify({ type, uid: "x", nsp: "/signaling", data: {} })),
  ...[{ type: 2, data: 5 }, { type: 2, data: [] }, { type: 99, data: ["x"] }, { type: 2, data: ["connect"] }, null].map(
    (packet) =>
      JSON.stringify({ type: 3, uid: "x", nsp: "/signaling", data: { packet, opts: { rooms: [], except: [] } } }),
  ),
  JSON.stringify({ type: 9, uid: "x", nsp: "/signaling", data: { packet: ["connection", {}] } }),
  JSON.stringify({ type: 9, uid: "x", nsp: "/signaling", data: { packet: 5 } }),
];

/** Relays on a replica's own channel that would make its clients disconnect, and gossip that no replica sends. */
function forgedRelays(room: string): Buffer[] {
  const texts = ["41/signaling,", "1", '43/signaling,1["offer",{}]', '42/signaling,["superseded",{}]'];
  const relays = texts.map((text) => {
    const frame = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
    return writeAddressed({ target: room, isPeer: false, skip: [] }, { frame, textAt: 2, attachments: [] });
  });
  for (const relay of relays) relay[0] = 1;
  const gossip = [{ type: "confirmed" }, { type: "snapshot", node: "x", life: "x", members: {} }, { type: "x" }];
  return [...relays, Buffer.from([1]), Buffer.from([2, 3]), ...gossip.map((one) => Buffer.from(JSON.stringify(one)))];
}

/** Publishes all of it on every channel of the replicas. Resolves with the number of payloads. */
export async function poison(server: BackplaneServer, variant: Variant, room: string): Promise<number> {
  const channels = [
    "hold-the-line:canary",
    "socket.io#/signaling#",
    `socket.io#/signaling#r:${room}#`,
    "socket.io-request#/signaling#",
    "socket.io-response#/signaling#",
    `room:${room}`,
    ...[1, 2, 3].map((number) => `hold-the-line:replica:signaling-${number}`),
  ];
  const all = [...bodies, ...forgedRelays(room)];
  let count = 0;
  for (const { url } of server.servers) {
    const wire = await openWire(url, variant);
    for (const channel of channels)
      for (const payload of all.flatMap((body) => [body, envelope.seal(channel, body, Date.now())])) {
        await wire.publish(channel, payload);
        count += 1;
      }
    wire.close();
    if (variant === "streams") count += await poisonRedisStream(url);
    if (variant === "nats-recovery") count += await poisonJetStream(url);
  }
  return count;
}

async function poisonRedisStream(url: string): Promise<number> {
  const client = createClient({ url, disableOfflineQueue: true });
  client.on("error", () => client.destroy());
  await client.connect();
  const count = await poisonStream((fields) => client.xAdd("hold-the-line:stream", "*", fields));
  client.destroy();
  return count;
}

async function poisonJetStream(url: string): Promise<number> {
  const client = await connectNats({ servers: new URL(url).host });
  for (const body of bodies) client.publish(entriesSubject, body);
  const count = await poisonStream(async (fields) => client.publish(entriesSubject, JSON.stringify(fields)));
  await client.drain();
  return bodies.length + count;
}

async function poisonStream(add: (fields: Record<string, string>) => Promise<unknown>): Promise<number> {
  const at = String(Date.now());
  const entries: Record<string, string>[] = [
    { x: "y" },
    { at, x: "y" },
    { at, canary: "" },
    { at: "soon", nsp: "/signaling", type: "3" },
    ...bodies.map((body) => ({ at, nsp: "/signaling", uid: "x", type: "3", data: body.toString("latin1") })),
    ...Array.from({ length: 15 }, (_, type) => ({ at, nsp: "/signaling", uid: "x", type: String(type) })),
    { nsp: "/signaling", uid: "x", type: "3", data: "{}" },
  ];
  const { seal } = createEntrySeal(envelope);
  for (const fields of entries) {
    await add(fields);
    await add(seal(fields, Date.now()));
  }
  return 2 * entries.length;
}
