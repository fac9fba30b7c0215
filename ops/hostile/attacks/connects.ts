import { randomBytes } from "node:crypto";
import type { WebSocket } from "ws";
import type { Attack, Attacker, Bound } from "../attacker.ts";
import { countAcks, openEngine, openPolling, packetSeparator } from "../engine-session.ts";
import { heard, inParallel, over } from "../wire.ts";

/** Largest body that a replica takes, bytes. */
const bodyBytes = 250_000;

/** As many packets as fit into a body. */
function filled(packet: (index: number) => string): string {
  const packets: string[] = [];
  for (let size = 0; size < bodyBytes; size += (packets.at(-1)?.length ?? 0) + 1) packets.push(packet(packets.length));
  return packets.join(packetSeparator);
}

/** A connection may enter a namespace so often: the replicas' burst and refill. */
const entered = (connections: number): Bound => ({
  figure: "entered",
  max: (seconds) => 1.05 * connections * (8 + 0.2 * seconds),
});

/** Counts the CONNECTs of an answer that were accepted. */
function countEntered(attacker: Attacker, text: string): void {
  attacker.count("entered", text.match(/40\/[^,]*,\{"sid"/g)?.length ?? 0);
}

const polled = (name: string, packet: (index: number) => string): Attack => ({
  name,
  guard: "connects",
  forMs: 1_500,
  bounds: [entered(3)],
  async run(attacker) {
    const body = filled(packet);
    await inParallel(attacker, 3, 3, async () => {
      const session = await openPolling(attacker);
      await session.post(body);
      attacker.count("sent");
      while (!attacker.signal.aborted) countEntered(attacker, (await session.poll()).text);
    });
  },
});

const framed = (name: string, packet: (index: number) => string, count: number): Attack => ({
  name,
  guard: "connects",
  forMs: 1_500,
  bounds: [entered(1)],
  async run(attacker) {
    const socket = await openEngine(attacker);
    socket.on("message", (data) => countEntered(attacker, String(data)));
    for (let index = 0; index < count; index += 1) socket.send(packet(index));
    attacker.count("sent", count);
    await over(attacker.signal);
  },
});

/** CONNECT packets (Socket.IO protocol 5). Each makes a socket on its connection. */
export const connects: readonly Attack[] = [
  polled("posts 40/signaling, 19,000 times", () => "40/signaling,"),
  polled("posts 40, the namespace /, 80,000 times", () => "40"),
  polled("posts 20,000 namespaces that do not exist", (index) => `40/n${index},`),
  polled("posts /signaling with 15,000 queries", (index) => `40/signaling?q=${index},{}`),
  framed("sends 40/signaling, 19,000 times", () => "40/signaling,", 19_000),
  framed("sends a namespace of 200 KB, 60 times", (index) => `40/${"n".repeat(200_000)}${index},`, 60),
  framed("sends 200 KB of auth with 60 CONNECTs", () => `40/signaling,{"token":"${"x".repeat(200_000)}"}`, 60),
  {
    name: "leaves and enters the namespace for a fresh event bucket",
    guard: "connects",
    forMs: 3_000,
    bounds: [
      { figure: "accepted", max: (seconds) => 1.05 * (2_000 + 500 * seconds) },
      { figure: "accepted", min: 100 },
    ],
    async run(attacker) {
      const socket = await openEngine(attacker);
      countAcks(attacker, socket);
      const room = randomBytes(6).toString("hex");
      while (!attacker.signal.aborted && socket.readyState === socket.OPEN) {
        await burst(attacker, socket, room);
        attacker.count("sent", 1_000);
      }
    },
  },
];

/** Enters, joins, sends 999 signals, waits until the last one is answered, and leaves. */
async function burst(attacker: Attacker, socket: WebSocket, room: string): Promise<void> {
  try {
    socket.send("40/signaling,");
    await heard(attacker, socket, "40/signaling,{");
    socket.send(`42/signaling,0${JSON.stringify(["join", room, {}])}`);
    for (let id = 1; id < 1_000; id += 1)
      socket.send(`42/signaling,${id}${JSON.stringify(["candidate", { roomId: room }])}`);
    await heard(attacker, socket, "43/signaling,999[");
    socket.send("41/signaling,");
  } catch {
    // The session is paused, refused or over. The loop's own condition ends it.
    attacker.count("cut short");
  }
}
