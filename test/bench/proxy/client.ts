import { Agent, get } from "node:http";
import type { Socket } from "node:net";
import { openTunnel } from "../../support/raw-socket.ts";

/** A job for the load client, sent by IPC. */
export type Job =
  | { kind: "messages"; port: number; seconds: number; connections: number; perSecond: number | "saturated" }
  | { kind: "polls"; port: number; seconds: number; connections: number }
  | { kind: "upgrades"; port: number; seconds: number; connections: number }
  | { kind: "hold"; port: number; connections: number }
  | { kind: "release" };
/** Operations done: messages relayed (an echo is two), polls answered, tunnels opened; or ms until all were closed. */
export interface Done {
  count: number;
}

const message = Buffer.from("x".repeat(200));
const sessionPath = "/socket.io/?EIO=4&transport=polling&sid=signaling-1.bench";
let held: Socket[] = [];
let closedAt: Promise<number> | undefined;

async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, () => openTunnel(port));
    for (const { socket } of await Promise.all(some)) sockets.push(socket.setNoDelay(true).resume());
  }
  return sockets;
}

async function sendMessages(job: Extract<Job, { kind: "messages" }>): Promise<number> {
  const sockets = await openMany(job.port, job.connections);
  let echoed = 0;
  let running = true;
  for (const socket of sockets)
    socket.on("data", (chunk) => {
      echoed += chunk.length / message.length;
      if (running && job.perSecond === "saturated") socket.write(message);
    });
  process.send?.("started");
  if (job.perSecond === "saturated") {
    for (const socket of sockets) socket.write(message);
    await new Promise((resolve) => setTimeout(resolve, job.seconds * 1_000));
  } else {
    const startedAt = performance.now();
    let sent = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = (performance.now() - startedAt) / 1_000;
        const due = Math.min(elapsed, job.seconds) * ((job.perSecond as number) / 2);
        for (; sent < due; sent++) sockets[sent % sockets.length]?.write(message);
        if (elapsed < job.seconds) return;
        clearInterval(timer);
        resolve();
      }, 2);
    });
  }
  running = false;
  await new Promise((resolve) => setTimeout(resolve, 50));
  // They stay open until the process ends, because closing them is not measured.
  return echoed * 2;
}

async function poll(job: Extract<Job, { kind: "polls" }>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.connections });
  const once = () =>
    new Promise<void>((resolve, reject) => {
      get({ port: job.port, host: "127.0.0.1", path: sessionPath, agent }, (answer) => {
        answer.resume().once("end", resolve);
      }).once("error", reject);
    });
  await Promise.all(Array.from({ length: job.connections }, once));
  process.send?.("started");
  const until = performance.now() + job.seconds * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      for (; performance.now() < until; count++) await once();
    }),
  );
  agent.destroy();
  return count;
}

async function upgrade(job: Extract<Job, { kind: "upgrades" }>): Promise<number> {
  process.send?.("started");
  const until = performance.now() + job.seconds * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      for (; performance.now() < until; count++) (await openTunnel(job.port)).socket.resetAndDestroy();
    }),
  );
  return count;
}

async function hold(job: Extract<Job, { kind: "hold" }>): Promise<number> {
  held = await openMany(job.port, job.connections);
  const closed = held.map((socket) => new Promise((resolve) => socket.resume().once("close", resolve)));
  closedAt = Promise.all(closed).then(() => Date.now());
  void closedAt.then((at) => process.send?.({ closedAt: at }));
  process.send?.("started");
  return held.length;
}

process.on("message", (job: Job) => {
  if (job.kind === "release") {
    for (const socket of held) socket.destroy();
    return;
  }
  const run = { messages: sendMessages, polls: poll, upgrades: upgrade, hold }[job.kind] as (
    job: Job,
  ) => Promise<number>;
  run(job).then(
    (count) => process.send?.({ count } satisfies Done),
    (error: unknown) => {
      throw error;
    },
  );
});
