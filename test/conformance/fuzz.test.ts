import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createRandom } from "../../common/random/seeded.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";
import { fuzzEvent, mutate } from "./fuzz-frames.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_260_101);
const framesPerGateway = 50_000;
const attackersPerGateway = 4;
/** A gateway that answers falls behind, so frames are sent in lots. The next lot waits for this number of answers. */
const lot = 50;

let redis: RedisServer;
let replicas: Replica[];

beforeAll(async () => {
  redis = await startRedisServer();
  const many = "1000000";
  const limits = { EVENT_BURST: many, EVENTS_PER_SECOND: many };
  const ofClient = { CLIENT_EVENT_BURST: many, CLIENT_EVENTS_PER_SECOND: many, CLIENT_JOIN_BURST: many };
  const env = { ...limits, ...ofClient, AWAY_GRACE_MS: "200" };
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((nodeId) => startReplica(nodeId, redis.url, env)));
});
afterAll(async () => {
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

const urlOf = (index: number) => replicas[index]?.url ?? "";

/** Sends and counts raw messages on a WebSocket. Opens it again each time the replica has closed it. */
async function attack(options: {
  url: string;
  protocols: string[];
  /** Sent first on each connection. */
  greeting: string[];
  /** One message: text or, depending on the last random byte, binary. */
  frame: () => string | Buffer;
  frames: number;
}): Promise<{ sent: number; reopened: number }> {
  let sent = 0;
  let reopened = -1;
  while (sent < options.frames) {
    const socket = new WebSocket(options.url, options.protocols);
    socket.on("error", () => socket.terminate());
    await until("the attacker is connected", () => socket.readyState === socket.OPEN);
    reopened += 1;
    for (const text of options.greeting) socket.send(text);
    while (sent < options.frames && socket.readyState === socket.OPEN) {
      for (let n = 0; n < lot && sent < options.frames; n += 1, sent += 1) {
        const frame = options.frame();
        socket.send(frame, { binary: typeof frame !== "string" && frame.length % 7 === 0 });
      }
      // The pong arrives after the complete lot was read, or the socket is closed.
      const answered = new Promise<void>((resolve) => {
        const done = () => {
          socket.off("pong", done).off("close", done);
          resolve();
        };
        socket.on("pong", done).on("close", done);
      });
      socket.ping();
      await answered;
    }
    socket.terminate();
  }
  return { sent, reopened };
}

async function residentBytes(): Promise<number[]> {
  return Promise.all(replicas.map((replica) => readMetric(replica, "process_resident_memory_bytes")));
}

test(`${2 * framesPerGateway} random and mutated frames on both gateways: no crash, no leak, memory flat (seed ${seed})`, async () => {
  const random = createRandom(seed);
  // Victims in rooms that no attacker joins; attackers know their names and try them.
  const victims: (SignalPeer & { peerId: string })[] = [
    await joinRoom(await connectSocketIo(urlOf(0)), "secret-room"),
    await joinRoom(await connectRaw(urlOf(1)), "secret-room"),
  ];
  await until("the victims see each other", () => victims[0]?.got("peer-joined").length === 1);
  const rooms = ["fuzz-1", "fuzz-2", "secret-room", `p:${victims[0]?.peerId}`, "r:secret-room"];
  const peerIds = victims.map(({ peerId }) => peerId);
  const leaks: string[] = [];
  const watch = (data: Buffer | string) => {
    if (String(data).includes("victims only")) leaks.push(String(data).slice(0, 200));
  };
  // The rooms of the attackers: `secret-room` is tried in every event but `join`.
  const next = () => {
    const fuzzed = fuzzEvent(random, rooms, peerIds);
    const roomId = (fuzzed.data as { roomId?: unknown } | null)?.roomId;
    return fuzzed.event === "join" && roomId === "secret-room" ? { ...fuzzed, event: "bye" } : fuzzed;
  };
  // A broken Socket.IO packet or broken UTF-8 may end its connection, and then later frames are lost. So these are
  // rare.
  const spoil = (text: string, share: number) => {
    if (random() > share) return text;
    const spoiled = mutate(random, text);
    // A mutation must not accidentally join the victims' room.
    if (spoiled.includes("join") && spoiled.includes("secret-room")) return "{";
    return random() < 0.01 ? spoiled : spoiled.toString();
  };
  const rawFrame = () =>
    spoil(JSON.stringify({ ...next(), ...(random() < 0.5 ? { id: Math.floor(random() * 1e6) } : {}) }), 0.5);
  const socketIoFrame = () => {
    const { event, data } = next();
    const args = event === "join" ? [event, (data as { roomId?: unknown } | null)?.roomId, data] : [event, data];
    const id = random() < 0.5 ? String(Math.floor(random() * 1e6)) : "";
    const text = `42/signaling,${id}${JSON.stringify(args)}`;
    return spoil(random() < 0.99 ? text : text.replace("42", `4${Math.floor(random() * 8)}`), 0.01);
  };

  // Eavesdroppers: honest connections in the attackers' rooms. They must not get any signal of the victims.
  const spies = [
    await joinRoom(await connectSocketIo(urlOf(1)), "fuzz-1"),
    await joinRoom(await connectRaw(urlOf(0)), "fuzz-2"),
  ];
  spies[1]?.socket.on("message", watch);
  let secrets = 0;
  const lost: string[] = [];
  const talking = setInterval(() => {
    secrets += 1;
    victims[0]
      ?.send("candidate", { roomId: "secret-room", secret: "victims only", n: secrets })
      .catch((error: unknown) => {
        lost.push(String(error));
      });
  }, 50);

  const share = framesPerGateway / attackersPerGateway;
  async function round(frames: number) {
    const attackers = Array.from({ length: attackersPerGateway }, (_, index) => [
      attack({
        url: `${urlOf(index % 2).replace("http", "ws")}/ws`,
        protocols: ["hold-the-line.v1"],
        greeting: ['{"event":"join","data":{"roomId":"fuzz-1"}}'],
        frame: rawFrame,
        frames,
      }),
      attack({
        url: `${urlOf(index % 2).replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`,
        protocols: [],
        greeting: ["40/signaling,", '42/signaling,["join","fuzz-2"]'],
        frame: socketIoFrame,
        frames,
      }),
    ]).flat();
    return Promise.all(attackers);
  }
  try {
    // V8's heap first grows in steps to the size for this traffic. Only then can the test tell flat from rising.
    const results = await round(share);
    const before = await residentBytes();
    results.push(...(await round(share * 0.3)));
    const after = await residentBytes();
    const sent = results.reduce((sum, result) => sum + result.sent, 0);
    const closed = results.reduce((sum, { reopened }) => sum + reopened, 0);
    const growth = after.map((bytes, index) => bytes / (before[index] ?? 1));
    const megabytes = (all: number[]) => all.map((bytes) => Math.round(bytes / 1e6)).join(" and ");
    process.stdout.write(
      `fuzz: ${sent} frames, ${closed} connections closed by the replica, resident MB of the replicas after ` +
        `${2 * framesPerGateway}: ${megabytes(before)}, after all: ${megabytes(after)}\n`,
    );
    expect(sent).toBe(2.6 * framesPerGateway);
    const judged = await Promise.all(replicas.map((replica) => readMetric(replica, "signaling_events_total")));
    expect(judged.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(framesPerGateway);
    // Another three tenths of the frames would show a leak for each frame.
    for (const ratio of growth) expect(ratio).toBeLessThan(1.25);
  } finally {
    clearInterval(talking);
  }
  for (const { program } of replicas) expect(program.child.exitCode, program.output().slice(-2_000)).toBeNull();
  // On such a busy machine a signal may be in transit for over a second and is dropped. The next one arrives.
  await until("the victims reach each other", async () => {
    await victims[0]?.send("bye", { roomId: "secret-room", secret: "victims only" });
    return victims[1]?.got("bye").length;
  });
  // No signal of the attackers reached the victims, and no signal of the victims reached the attackers' rooms.
  for (const victim of victims) {
    expect(victim.connected()).toBe(true);
    expect(victim.events.filter(([, data]) => data["secret"] !== "victims only" && data["node"] === undefined)).toEqual(
      [],
    );
  }
  expect([leaks, lost]).toEqual([[], []]);
  expect(JSON.stringify(spies.map(({ events }) => events))).not.toMatch("victims only");
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  for (const peer of [...victims, ...spies]) peer.close();
}, 240_000);
