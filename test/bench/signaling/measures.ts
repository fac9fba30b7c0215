import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { io, type Socket } from "socket.io-client";
import type { JoinAck } from "../../../common/protocol.ts";
import { quantile } from "../../support/load/signal-load.ts";
import { until } from "../../support/poll.ts";

/** Latency in ms, and the number of lost signals. */
export interface Latency {
  p50: number;
  p99: number;
  lost: number;
}

/** Pairs of peers that share the rate. */
const pairs = 10;

/** CPU time of all threads of the process since its start, s. The scheduler counts it in ns. */
export function cpuSeconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    return sum + Number(onCpu) / 1e9;
  }, 0);
}

async function join(url: string, room: string): Promise<Socket & { node: string }> {
  const socket = io(`${url}/signaling`, { transports: ["websocket"], forceNew: true });
  await until("connected", () => socket.connected);
  const ack: JoinAck = await socket.emitWithAck("join", room);
  if (!ack.ok) throw new Error(ack.error.message);
  return Object.assign(socket, { node: ack.node });
}

/** Joins on another replica than `node`. The proxy chooses a replica for each new connection. */
async function joinElsewhere(url: string, room: string, node: string): Promise<Socket> {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = await join(url, room);
    if (socket.node !== node) return socket;
    socket.disconnect();
  }
  throw new Error(`100 connections in a row came to ${node}`);
}

/**
 * Sends offers in one direction, `perSecond` in total, without acks. Each contains its time of sending.
 *
 * @param bytes length of the description
 * @param across true if both ends are one proxy and the two peers of a pair must be on two replicas
 */
export async function oneWay(
  fromUrl: string,
  toUrl: string,
  {
    perSecond,
    seconds,
    pids,
    bytes = 100,
    across = false,
  }: { perSecond: number; seconds: number; pids: readonly number[]; bytes?: number; across?: boolean },
): Promise<{ latency: Latency; signals: number; cpu: Map<number, number> }> {
  const ages: number[] = [];
  const senders: { socket: Socket; room: string }[] = [];
  const sockets: Socket[] = [];
  for (let at = 0; at < pairs; at += 1) {
    const room = randomUUID();
    const to = await join(toUrl, room);
    to.on("offer", ({ sentAt }: { sentAt: number }) => ages.push(performance.now() - sentAt));
    const socket = across ? await joinElsewhere(fromUrl, room, to.node) : await join(fromUrl, room);
    senders.push({ socket, room });
    sockets.push(to, socket);
  }
  const line = "a=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host\r\n";
  const description = { type: "offer", sdp: line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes) };
  const before = pids.map(cpuSeconds);
  const startedAt = performance.now();
  const total = perSecond * seconds;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond));
      for (; sent < due; sent += 1) {
        const { socket, room } = senders[sent % pairs] as (typeof senders)[number];
        socket.emit("offer", { roomId: room, description, sentAt: performance.now() });
      }
      if (sent < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  // Replicas drop signals over a second old. On a busy machine some are missing, and the report says so.
  let seen = -1;
  let seenAt = performance.now();
  await until(
    "all arrived, or none for two seconds",
    () => {
      if (ages.length > seen) [seen, seenAt] = [ages.length, performance.now()];
      return ages.length === total || performance.now() - seenAt > 2_000;
    },
    { withinMs: 60_000 },
  );
  const cpu = new Map(pids.map((pid, at) => [pid, cpuSeconds(pid) - (before[at] ?? 0)]));
  for (const socket of sockets) socket.disconnect();
  ages.sort((a, b) => a - b);
  const latency = { p50: quantile(ages, 0.5), p99: quantile(ages, 0.99), lost: total - ages.length };
  return { latency, signals: total, cpu };
}

/** Opens that number of connections, each in a room of its own. */
export async function openIdle(url: string, many: number): Promise<Socket[]> {
  const opened: Socket[] = [];
  for (let at = 0; at < many; at += 50)
    opened.push(...(await Promise.all(Array.from({ length: 50 }, () => join(url, randomUUID())))));
  return opened;
}

/**
 * Anonymous resident memory that one idle connection in a room of its own adds to a server, bytes; the server must
 * collect its garbage on SIGUSR2.
 */
export async function idleBytes({ url, pid }: { url: string; pid: number }, count: number): Promise<number> {
  const collected = async () => {
    for (let times = 0; times < 2; times += 1) {
      process.kill(pid, "SIGUSR2");
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    return anonymousBytes(pid);
  };
  // The first connections make the heap grow to its working size.
  const warm = await openIdle(url, count);
  const before = await collected();
  const counted = await openIdle(url, count);
  const bytes = ((await collected()) - before) / count;
  for (const socket of [...warm, ...counted]) socket.disconnect();
  return bytes;
}

function anonymousBytes(pid: number): number {
  const kilobytes = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
