import { randomBytes } from "node:crypto";
import type { WebSocket } from "ws";
import type { Attack, Attacker, Bound, Guard } from "../attacker.ts";
import { countAcks, openPollingPeer, openSignaling, packetSeparator } from "../engine-session.ts";
import { inParallel, openRaw, over, pass } from "../wire.ts";

/** The number of events that a connection may have accepted: the replicas' burst and refill. */
const bucket = (connections: number): Bound => ({
  figure: "accepted",
  max: (seconds) => 1.05 * connections * (2_000 + 500 * seconds),
});

/** The number of events that may be answered: the accepted ones, and 100 refusals between two pauses of 100 ms. */
const pace = (connections: number): Bound => ({
  figure: "answered",
  max: (seconds) => 1.05 * connections * (2_100 + 1_500 * seconds),
});

const event = (id: number, name: string, data: unknown) => `42/signaling,${id}${JSON.stringify([name, data])}`;
const rawEvent = (id: number, name: string, data: unknown) => JSON.stringify({ event: name, data, id });
const rawText = (id: number, name: string, data: string) => `{"event":"${name}","data":${data},"id":${id}}`;
const text = (id: number, name: string, data: string) => `42/signaling,${id}["${name}",${data}]`;

/** The place of a flood's connections. */
interface Place {
  /** All are in this room. Otherwise each is in a room of its own. */
  room?: string;
  /** The route key: one for all leads to one replica. */
  cookie?: string;
}

/** Sockets in rooms of the attacker, every other one on each gateway. */
async function joinedSockets(
  attacker: Attacker,
  count: number,
  { room: shared, ...route }: Place = {},
): Promise<{ socket: WebSocket; raw: boolean; room: string }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const room = shared ?? `hostile-${randomBytes(6).toString("hex")}`;
      const raw = index % 2 === 1;
      const socket = await (raw ? openRaw(attacker, { room, ...route }) : openSignaling(attacker, { room, ...route }));
      countAcks(attacker, socket);
      return { socket, raw, room };
    }),
  );
}

/** Sends signals of `data` on a few connections, as fast as they are read. */
export const flooding = (
  name: string,
  data: (room: string) => string,
  {
    connections = 4,
    bounds = [bucket(connections)],
    guard = "events",
    place = () => ({}),
  }: { connections?: number; bounds?: readonly Bound[]; guard?: Guard; place?: () => Place } = {},
): Attack => ({
  name,
  guard,
  forMs: 2_000,
  bounds: [...bounds, pace(connections)],
  async run(attacker) {
    const sockets = await joinedSockets(attacker, connections, place());
    await Promise.all(
      sockets.map(async ({ socket, raw, room }) => {
        const json = data(room);
        for (let id = 1; socket.readyState === socket.OPEN && !attacker.signal.aborted; id += 1) {
          const packet = raw ? rawText(id, "candidate", json) : text(id, "candidate", json);
          attacker.count("sent");
          if (socket.bufferedAmount < 1_000_000 && id % 200 !== 0) socket.send(packet);
          else await pass(socket, packet, attacker.signal);
        }
      }),
    );
  },
});

const none: Bound = { figure: "accepted", max: () => 0 };
const nested = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

/** Too many events, or events that grow when they are encoded. */
export const events: readonly Attack[] = [
  flooding("floods small signals", (roomId) => JSON.stringify({ roomId })),
  flooding("floods signals of 60 KB", (roomId) => JSON.stringify({ roomId, filler: "x".repeat(60_000) })),
  flooding("floods events that do not exist", () => `{"roomId":7}`, { bounds: [none] }),
  flooding("nests 20,000 levels", (roomId) => `{"roomId":"${roomId}","x":${nested("[", "]", 20_000)}}`, {
    bounds: [none],
  }),
  flooding("sends objects of 4,000 names of their own", (roomId) => {
    return `{"roomId":"${roomId}",${Array.from({ length: 4_000 }, (_, index) => `"k${index}":1`).join()}}`;
  }),
  flooding("nests objects by __proto__ 60 levels", (roomId) => {
    return `{"roomId":"${roomId}","__proto__":{"roomId":"x"},"constructor":{"prototype":{"x":1}},"x":${nested('{"__proto__":', "}", 60).replace(":}", ":1}")}}`;
  }),
  grows("\\u0001", 40_000),
  grows("\\ud800", 20_000),
  grows("\\\\", 62_000),
  grows('\\"', 62_000),
  {
    name: "asks for acks with huge ids",
    guard: "events",
    forMs: 1_000,
    async run(attacker) {
      const sockets = await joinedSockets(attacker, 4);
      const ids = ["9".repeat(400), "9007199254740993", "1e999", "-1", "0x10", "007"];
      for (const { socket, raw, room } of sockets)
        for (const id of ids) {
          socket.send(
            raw
              ? `{"event":"candidate","data":{"roomId":"${room}"},"id":${id}}`
              : `42/signaling,${id}["bye",{"roomId":"${room}"}]`,
          );
          attacker.count("sent");
        }
      await over(attacker.signal);
    },
  },
  {
    name: "posts 10,000 tiny packets in a body, again and again",
    guard: "events",
    forMs: 2_000,
    async run(attacker) {
      await inParallel(attacker, 4, 4, async () => {
        const session = await openPollingPeer(attacker, `hostile-${randomBytes(6).toString("hex")}`);
        for (const packet of ["6", "42/signaling,[]", "3"]) {
          const body = Array.from({ length: 10_000 }, () => packet).join(packetSeparator);
          if ((await session.post(body)).status === 200) attacker.count("sent");
          await session.poll();
        }
      });
      await over(attacker.signal);
    },
  },
  {
    name: "sends to, roomId and resume of every wrong type",
    guard: "events",
    forMs: 1_000,
    async run(attacker) {
      const wrong: unknown[] = [
        null,
        7,
        true,
        [],
        {},
        "",
        "x".repeat(129),
        ["r:x"],
        { toString: 1 },
        "\u0000",
        "r:\u202e",
      ];
      for (const { socket, raw, room } of await joinedSockets(attacker, 4))
        for (const value of wrong) {
          const write = raw ? rawEvent : event;
          socket.send(write(1, "offer", { roomId: value }));
          socket.send(write(2, "offer", { roomId: room, to: value }));
          socket.send(
            raw
              ? rawEvent(3, "join", { roomId: room, resume: value })
              : `42/signaling,3${JSON.stringify(["join", room, { resume: value }])}`,
          );
          attacker.count("sent", 3);
        }
      await over(attacker.signal);
    },
  },
];

/** A signal of less than 64 Ki characters and more than 64 KiB in encoded form. */
function grows(escaped: string, count: number): Attack {
  return {
    name: `sends a signal of ${count} times ${escaped}, which grows when it is encoded`,
    guard: "events",
    forMs: 1_000,
    bounds: [none],
    async run(attacker) {
      for (const { socket, raw, room } of await joinedSockets(attacker, 4)) {
        const data = `{"roomId":"${room}","x":"${escaped.repeat(count)}"}`;
        socket.send(raw ? rawText(1, "offer", data) : text(1, "offer", data));
        attacker.count("sent");
      }
      await over(attacker.signal);
    },
  };
}
