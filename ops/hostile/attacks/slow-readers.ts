import { randomBytes } from "node:crypto";
import { pause } from "../../wait/pause.ts";
import type { Attack, Attacker } from "../attacker.ts";
import { openPollingPeer, openSignaling } from "../engine-session.ts";
import { countAnswers, inParallel, openRaw, over, write } from "../wire.ts";

/** A room whose members do not read, and a sender of 100 signals of 60 KB a second. */
const unread = (
  name: string,
  members: number,
  join: (attacker: Attacker, room: string, cookie: string) => Promise<void>,
): Attack => ({
  name,
  guard: "slow-readers",
  forMs: 3_000,
  async run(attacker) {
    const [room, cookie] = [randomBytes(8).toString("hex"), randomBytes(8).toString("hex")];
    await inParallel(attacker, members, 10, () => join(attacker, room, cookie));
    const sender = await openSignaling(attacker, { room, cookie });
    const packet = `42/signaling,${JSON.stringify(["candidate", { roomId: room, filler: "x".repeat(60_000) }])}`;
    while (sender.readyState === sender.OPEN && !attacker.signal.aborted) {
      sender.send(packet);
      attacker.count("sent");
      await pause(10, attacker.signal);
    }
  },
});

/** Answers and signals that their clients do not read. */
export const slowReaders: readonly Attack[] = [
  unread("leaves 60 Socket.IO peers unread while their room is flooded", 60, async (attacker, room, cookie) => {
    (await openSignaling(attacker, { room, cookie })).pause();
  }),
  unread("leaves 60 /ws peers unread while their room is flooded", 60, async (attacker, room, cookie) => {
    (await openRaw(attacker, { room, cookie })).pause();
  }),
  unread("leaves 60 polling peers unpolled while their room is flooded", 60, async (attacker, room, cookie) => {
    await openPollingPeer(attacker, room, cookie);
  }),
  {
    name: "leaves one peer of each gateway unread while eight send them 60 KB signals of their own",
    guard: "slow-readers",
    forMs: 3_000,
    async run(attacker) {
      const cookie = randomBytes(8).toString("hex");
      const rooms = Array.from({ length: 8 }, () => randomBytes(8).toString("hex"));
      const [raw, signaling] = [await openRaw(attacker, { cookie }), await openSignaling(attacker, { cookie })];
      for (const roomId of rooms) {
        raw.send(JSON.stringify({ event: "join", data: { roomId } }));
        signaling.send(`42/signaling,${JSON.stringify(["join", roomId])}`);
      }
      for (const reader of [raw, signaling]) reader.pause();
      await inParallel(attacker, rooms.length, rooms.length, async (index) => {
        const roomId = rooms[index] as string;
        const sender = await openSignaling(attacker, { room: roomId, cookie });
        const packet = `42/signaling,${JSON.stringify(["candidate", { roomId, filler: "x".repeat(60_000) }])}`;
        while (sender.readyState === sender.OPEN && !attacker.signal.aborted) {
          sender.send(packet);
          attacker.count("sent");
          await pause(10, attacker.signal);
        }
      });
    },
  },
  {
    name: "polls without reading the answers, on 60 connections",
    guard: "slow-readers",
    forMs: 3_000,
    async run(attacker) {
      const [room, cookie] = [randomBytes(8).toString("hex"), randomBytes(8).toString("hex")];
      await inParallel(attacker, 60, 10, async () => {
        const { path } = await openPollingPeer(attacker, room, cookie);
        const socket = await attacker.connect();
        socket.pause();
        await write(socket, `GET ${path} HTTP/1.1\r\nHost: calls.example\r\n\r\n`, attacker.signal);
      });
      const sender = await openSignaling(attacker, { room, cookie });
      const packet = `42/signaling,${JSON.stringify(["candidate", { roomId: room, filler: "x".repeat(60_000) }])}`;
      for (let sent = 0; sent < 15; sent += 1) sender.send(packet);
      attacker.count("sent", 15);
      await over(attacker.signal);
    },
  },
  {
    name: "asks for the page on 100 connections and closes half of each",
    guard: "slow-readers",
    forMs: 1_500,
    async run(attacker) {
      await inParallel(attacker, 100, 100, async (index) => {
        const socket = await attacker.connect();
        if (index % 2 === 0) socket.pause();
        else countAnswers(attacker, socket);
        socket.end("GET / HTTP/1.1\r\nHost: calls.example\r\n\r\n".repeat(20));
        attacker.count("sent");
      });
      await over(attacker.signal);
    },
  },
];
