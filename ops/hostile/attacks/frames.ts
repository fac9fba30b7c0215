import { randomBytes } from "node:crypto";
import { RAW_WS_PATH } from "../../../common/protocol-names.ts";
import type { Attack, Bound } from "../attacker.ts";
import { enginePath } from "../engine-session.ts";
import { frame, inParallel, OPCODE, openTunnel, over, write } from "../wire.ts";

const both = [RAW_WS_PATH, enginePath("websocket")];

/** Sends the same bytes repeatedly on a few connections of each gateway, as fast as they are read. */
const flooding = (
  name: string,
  bytes: Buffer,
  connections = 2,
  paths: readonly string[] = both,
  bounds: readonly Bound[] = [],
): Attack => ({
  name,
  guard: "frames",
  forMs: 1_200,
  bounds,
  async run(attacker) {
    await inParallel(attacker, connections * paths.length, connections * paths.length, async (index) => {
      const socket = await openTunnel(attacker, paths[index % paths.length] as string);
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("error-report")) attacker.count("reads with a refusal");
      });
      while (await write(socket, bytes, attacker.signal)) attacker.count("sent");
    });
    await over(attacker.signal);
  },
});

/** Opens connections that begin a message and never end it. */
const unfinished = (name: string, connections: number, path: string, bytes: Buffer): Attack => ({
  name,
  guard: "frames",
  forMs: 3_000,
  async run(attacker) {
    // All connections are on one replica.
    const cookie = `Cookie: sticky=${randomBytes(8).toString("hex")}`;
    await inParallel(attacker, connections, 40, async () => {
      try {
        const socket = await openTunnel(attacker, path, [cookie]);
        socket.resume();
        if (await write(socket, bytes, attacker.signal)) attacker.count("sent");
      } catch {
        attacker.count("not let in");
      }
    });
    await over(attacker.signal);
  },
});

const many = (count: number, one: Buffer) => Buffer.concat(Array.from({ length: count }, () => one));
const fragments = (size: number, count: number) =>
  Buffer.concat([
    frame(OPCODE.text, "x".repeat(size), { fin: false }),
    many(count - 1, frame(OPCODE.continuation, "x".repeat(size), { fin: false })),
  ]);

/** WebSocket frames (RFC 6455) that no client library writes. */
export const frames: readonly Attack[] = [
  flooding("floods pings", many(500, frame(OPCODE.ping, "x".repeat(100)))),
  flooding("floods empty text frames", many(500, frame(OPCODE.text, ""))),
  flooding("floods heartbeats of Engine.IO", many(2_000, frame(OPCODE.text, "3")), 8, [enginePath("websocket")]),
  flooding("floods binary garbage", many(50, frame(OPCODE.binary, randomBytes(1_000)))),
  flooding("floods one-byte fragments of one message", many(500, frame(OPCODE.continuation, "x", { fin: false }))),
  flooding(
    "floods messages of 1,000 fragments",
    many(20, Buffer.concat([fragments(1, 1_000), frame(OPCODE.continuation, "")])),
    8,
    [RAW_WS_PATH],
  ),
  flooding("floods 250 KB that is not JSON", frame(OPCODE.text, "x".repeat(250_000)), 8, [RAW_WS_PATH]),
  flooding(
    "floods 250 KB of events for a namespace that was not entered",
    frame(OPCODE.text, `42/signaling,["offer",{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":{}`).join()}}]`),
    8,
    [enginePath("websocket")],
    // Each costs more than the burst: it is refused without an answer, and reading pauses.
    [{ figure: "reads with a refusal", max: () => 8 }],
  ),
  unfinished("sends 100,000 one-byte fragments", 20, RAW_WS_PATH, fragments(1, 100_000)),
  unfinished("leaves messages of 256 KB unfinished on 400 sockets of /ws", 400, RAW_WS_PATH, fragments(64_000, 4)),
  unfinished(
    "leaves messages of 256 KB unfinished on 400 Engine.IO sockets",
    400,
    enginePath("websocket"),
    fragments(64_000, 4),
  ),
  unfinished(
    "withholds the last byte of frames of 256 KB",
    400,
    RAW_WS_PATH,
    frame(OPCODE.text, "x".repeat(261_000), { announced: 261_001 }),
  ),
  {
    name: "sends frames that break the protocol",
    guard: "frames",
    forMs: 1_500,
    async run(attacker) {
      const broken = [
        frame(OPCODE.continuation, "x"),
        frame(OPCODE.text, "x", { announced: 2 ** 52 }),
        frame(OPCODE.text, Buffer.from([0xff, 0xfe, 0xc0])),
        frame(OPCODE.close, "x"),
        frame(OPCODE.ping, "x".repeat(126)),
        frame(OPCODE.ping, "x", { fin: false }),
        Buffer.from([0xf1, 0x81, 0, 0, 0, 0, 0x78]),
        Buffer.from([0x81, 0x01, 0x78]),
        Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        frame(11, "x"),
      ];
      await inParallel(attacker, 20 * broken.length, 10, async (index) => {
        const socket = await openTunnel(attacker, both[index % 2] as string);
        socket.resume();
        await write(socket, broken[Math.floor(index / 2) % broken.length] as Buffer, attacker.signal);
        attacker.count("sent");
      });
      await over(attacker.signal);
    },
  },
];
