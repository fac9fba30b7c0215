import { randomBytes } from "node:crypto";
import type { Attack, Attacker } from "../attacker.ts";
import { countAcks, openPollingPeer, openSignaling, packetSeparator } from "../engine-session.ts";
import { inParallel, over, pass } from "../wire.ts";

const placeholder = (num: number) => ({ _placeholder: true, num });
const binaryEvent = (attachments: number, id: number, event: string, data: unknown) =>
  `45${attachments}-/signaling,${id}${JSON.stringify([event, data])}`;
const ownRoom = () => `hostile-${randomBytes(6).toString("hex")}`;

/** Joins a room of the peers that must not be affected, so that accepted signals reach them. */
const intoTheirRooms = (name: string, packets: (roomId: string) => (string | Buffer)[]): Attack => ({
  name,
  guard: "attachments",
  forMs: 1_500,
  bounds: [{ figure: "accepted", max: () => 0 }],
  async run(attacker) {
    for (const room of attacker.target.rooms) {
      const socket = await openSignaling(attacker, { room });
      countAcks(attacker, socket);
      for (const packet of packets(room)) socket.send(packet);
      attacker.count("sent");
    }
    await over(attacker.signal);
  },
});

/** Binary events (Socket.IO protocol 5) whose named, announced and sent parts differ in number. */
export const attachments: readonly Attack[] = [
  intoTheirRooms("names one attachment 11 times", (roomId) => [
    binaryEvent(1, 1, "offer", { roomId, x: Array.from({ length: 11 }, () => placeholder(0)) }),
    Buffer.alloc(0),
  ]),
  intoTheirRooms("names one attachment 40 times, deep and as keys", (roomId) => [
    binaryEvent(1, 1, "candidate", {
      roomId,
      a: { b: { c: Array.from({ length: 20 }, () => placeholder(0)) } },
      ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, placeholder(0)])),
    }),
    Buffer.from("x"),
  ]),
  intoTheirRooms("sends 11 attachments", (roomId) => [
    binaryEvent(11, 1, "answer", { roomId, x: Array.from({ length: 11 }, (_, index) => placeholder(index)) }),
    ...Array.from({ length: 11 }, () => Buffer.from("x")),
  ]),
  {
    name: "names one attachment 8,700 times in a room of 40",
    guard: "attachments",
    forMs: 3_000,
    bounds: [{ figure: "accepted", max: () => 0 }],
    async run(attacker) {
      const [room, cookie] = [ownRoom(), ownRoom()];
      await inParallel(attacker, 39, 10, () => openSignaling(attacker, { room, cookie }));
      const socket = await openSignaling(attacker, { room, cookie });
      countAcks(attacker, socket);
      const names = Array.from({ length: 8_700 }, () => ({ _placeholder: true, num: 0 }));
      const packet = binaryEvent(1, 1, "offer", { roomId: room, x: names });
      for (let sent = 0; sent < 3; sent += 1) {
        socket.send(packet);
        socket.send(Buffer.alloc(0));
        attacker.count("sent");
      }
      await over(attacker.signal);
    },
  },
  {
    name: "promises a binary part with 250 KB and never sends it, on 400 connections",
    guard: "attachments",
    forMs: 3_500,
    async run(attacker) {
      const [cookie, filler] = [ownRoom(), "x".repeat(250_000)];
      await inParallel(attacker, 400, 40, () => withhold(attacker, cookie, filler));
      await over(attacker.signal);
    },
  },
  {
    name: "promises 100,000 binary parts and sends 600 of 200 KB",
    guard: "attachments",
    forMs: 3_000,
    async run(attacker) {
      const socket = await openSignaling(attacker);
      socket.send(binaryEvent(100_000, 1, "offer", { roomId: ownRoom(), x: placeholder(0) }));
      for (const part = Buffer.alloc(200_000); socket.readyState === socket.OPEN && !attacker.signal.aborted; ) {
        if ((attacker.figures["sent"] ?? 0) === 600) break;
        await pass(socket, part, attacker.signal);
        attacker.count("sent");
      }
      await over(attacker.signal);
    },
  },
  {
    name: "polls in 2,000 binary events whose parts are of 100 bytes",
    guard: "attachments",
    forMs: 1_500,
    async run(attacker) {
      const room = ownRoom();
      const session = await openPollingPeer(attacker, room);
      const part = `b${Buffer.alloc(60).toString("base64")}`;
      const event = binaryEvent(1, 1, "offer", { x: placeholder(0) });
      while (!attacker.signal.aborted) {
        await session.post(Array.from({ length: 1_000 }, () => event + packetSeparator + part).join(packetSeparator));
        attacker.count("sent");
        await session.poll();
      }
    },
  },
];

async function withhold(attacker: Attacker, cookie: string, filler: string): Promise<void> {
  try {
    const socket = await openSignaling(attacker, { cookie });
    socket.send(binaryEvent(1, 1, "offer", { roomId: "r", filler, x: placeholder(0) }));
    attacker.count("sent");
  } catch {
    attacker.count("not let in");
  }
}
