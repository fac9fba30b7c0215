import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";
import { createRandom, fuzzEvent, mutate } from "./fuzz-frames.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_260_101);
const framesPerGateway = 50_000;
const attackersPerGateway = 4;
/** A gateway that answers falls behind: frames go out in lots, and the next lot waits until this much is answered. */
const lot = 25;

let redis: RedisServer;
let replicas: Replica[];

beforeAll(async () => {
  redis = await startRedisServer();
  const env = { EVENT_BURST: "1000000", EVENTS_PER_SECOND: "1000000", AWAY_GRACE_MS: "200" };
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((nodeId) => startReplica(nodeId, redis.url, env)));
});
afterAll(async () => {
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

const urlOf = (index: number) => replicas[index]?.url ?? "";

/** Sends raw messages on a WebSocket that is opened again whenever the replica has closed it; counts them. */
async function attack(options: {
  url: string;
  protocols: string[];
  /** Sent first on each connection. */
  greeting: string[];
  /** One message; text or, where the last byte of luck says so, binary. */
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
    const closed = new Promise((resolve) => socket.once("close", resolve));
    for (const text of options.greeting) socket.send(text);
    while (sent < options.frames && socket.readyState === socket.OPEN) {
      for (let n = 0; n < lot && sent < options.frames; n += 1, sent += 1) {
        const frame = options.frame();
        socket.send(frame, { binary: typeof frame !== "string" && frame.length % 7 === 0 });
      }
      // The pong comes after all of the lot was taken, or the socket is closed.
      const ponged = new Promise((resolve) => socket.once("pong", resolve));
      socket.ping();
      await Promise.race([ponged, closed]);
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
  const spoil = (text: string) => {
    if (random() < 0.5) return text;
    const spoiled = mutate(random, text);
    // A mutation must not happen to join the victims' room.
    if (spoiled.includes("join") && spoiled.includes("secret-room")) return "{";
    // Bytes as they are may be no UTF-8, which closes a WebSocket (1007): now and then, or few frames would be judged.
    return random() < 0.02 ? spoiled : spoiled.toString();
  };
  const rawFrame = () =>
    spoil(JSON.stringify({ ...next(), ...(random() < 0.5 ? { id: Math.floor(random() * 1e6) } : {}) }));
  const socketIoFrame = () => {
    const { event, data } = next();
    const args = event === "join" ? [event, (data as { roomId?: unknown } | null)?.roomId, data] : [event, data];
    const id = random() < 0.5 ? String(Math.floor(random() * 1e6)) : "";
    const text = `42/signaling,${id}${JSON.stringify(args)}`;
    return random() < 0.98 ? spoil(text) : spoil(text.replace("42", `4${Math.floor(random() * 8)}`));
  };

  // Eavesdroppers: honest connections in the attackers' rooms, which must see nothing of the victims.
  const spies = [
    await joinRoom(await connectSocketIo(urlOf(1)), "fuzz-1"),
    await joinRoom(await connectRaw(urlOf(0)), "fuzz-2"),
  ];
  spies[1]?.socket.on("message", watch);
  let secrets = 0;
  const talking = setInterval(() => {
    secrets += 1;
    void victims[0]?.send("candidate", { roomId: "secret-room", secret: "victims only", n: secrets });
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
    const warm = await round(share * 0.4);
    const before = await residentBytes();
    const rest = await round(share * 0.6);
    const after = await residentBytes();
    const sent = [...warm, ...rest].reduce((sum, result) => sum + result.sent, 0);
    const growth = after.map((bytes, index) => bytes / (before[index] ?? 1));
    process.stdout.write(
      `fuzz: ${sent} frames, ${[...warm, ...rest].reduce((sum, { reopened }) => sum + reopened, 0)} connections closed ` +
        `by the replica, memory ${growth.map((ratio) => ratio.toFixed(2)).join(" and ")} times what it was at 40 %\n`,
    );
    expect(sent).toBe(2 * framesPerGateway);
    const judged = await Promise.all(replicas.map((replica) => readMetric(replica, "signaling_events_total")));
    expect(judged.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(framesPerGateway);
    // Twice as much attack behind them as before: a leak a frame would show.
    for (const ratio of growth) expect(ratio).toBeLessThan(1.35);
  } finally {
    clearInterval(talking);
  }
  for (const { program } of replicas) expect(program.child.exitCode, program.output().slice(-2_000)).toBeNull();
  await until("the victims got all of each other", () => victims[1]?.got("candidate").length === secrets);
  // Nothing of the attackers reached the victims, and nothing of the victims the attackers' rooms.
  for (const victim of victims) {
    expect(victim.connected()).toBe(true);
    expect(victim.events.filter(([, data]) => data["secret"] !== "victims only" && data["node"] === undefined)).toEqual(
      [],
    );
  }
  expect(leaks).toEqual([]);
  expect(JSON.stringify(spies.map(({ events }) => events))).not.toMatch("victims only");
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  for (const peer of [...victims, ...spies]) peer.close();
}, 240_000);
