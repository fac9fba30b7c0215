import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { io, type Socket } from "socket.io-client";
import type { JoinAck } from "../../../common/protocol.ts";
import { quantile } from "../../support/load/signal-load.ts";
import { until } from "../../support/poll.ts";
import type { Replica } from "../../support/replica.ts";

/** ms, and how many signals never came. */
export interface Latency {
  p50: number;
  p99: number;
  lost: number;
}

/** Linux counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;
/** Pairs of peers that share the rate. */
const pairs = 10;

/** CPU time that the process has used so far, user and system, s. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function join(url: string, room: string): Promise<Socket & { known: number }> {
  const socket = io(`${url}/signaling`, { transports: ["websocket"], forceNew: true });
  await until("connected", () => socket.connected);
  const ack: JoinAck = await socket.emitWithAck("join", room);
  if (!ack.ok) throw new Error(ack.error.message);
  return Object.assign(socket, { known: ack.peers.length });
}

/** Candidates one way, `perSecond` in all, unacknowledged; each carries the time of its sending. */
export async function oneWay(
  fromUrl: string,
  toUrl: string,
  { perSecond, seconds, pids }: { perSecond: number; seconds: number; pids: readonly number[] },
): Promise<{ latency: Latency; signals: number; cpu: Map<number, number> }> {
  const ages: number[] = [];
  const senders: { socket: Socket; room: string }[] = [];
  const sockets: Socket[] = [];
  for (let at = 0; at < pairs; at += 1) {
    const room = randomUUID();
    const to = await join(toUrl, room);
    to.on("candidate", ({ sentAt }: { sentAt: number }) => ages.push(performance.now() - sentAt));
    const socket = await join(fromUrl, room);
    socket.on("peer-joined", () => {
      socket.known += 1;
    });
    await until("the sender's replica knows the receiver", () => socket.known > 0);
    senders.push({ socket, room });
    sockets.push(to, socket);
  }
  const before = pids.map(cpuSeconds);
  const startedAt = performance.now();
  const total = perSecond * seconds;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond));
      for (; sent < due; sent += 1) {
        const { socket, room } = senders[sent % pairs] as (typeof senders)[number];
        const candidate = `candidate:1 1 udp 2122260223 192.0.2.1 ${sent % 65_536} typ host`;
        socket.emit("candidate", { roomId: room, candidate, sentAt: performance.now() });
      }
      if (sent < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  // Over a second in transit they are dropped on purpose: on a busy machine some are missing, and that is reported.
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

/** Anonymous resident memory that one idle connection in a room of its own adds to a replica, bytes. */
export async function idleBytes({ url, program }: Replica, count: number): Promise<number> {
  const open = async (many: number) => {
    const opened: Socket[] = [];
    for (let at = 0; at < many; at += 50)
      opened.push(...(await Promise.all(Array.from({ length: 50 }, () => join(url, randomUUID())))));
    return opened;
  };
  // The first ones make the heap grow to its working size.
  const warm = await open(count);
  const before = anonymousBytes(program.pid);
  const counted = await open(count);
  const bytes = (anonymousBytes(program.pid) - before) / count;
  for (const socket of [...warm, ...counted]) socket.disconnect();
  return bytes;
}

function anonymousBytes(pid: number): number {
  const kilobytes = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
