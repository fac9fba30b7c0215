import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { WebSocket } from "ws";
import type { Finding } from "./adopt-checks.ts";
import { type EngineSession, inSession, openSession, pollUrl, SessionError } from "./engine-session.ts";

/** Number of connections held while a replica is frozen or stopped. */
const held = 30;
const settledMs = 500;
const notHeld: Finding = {
  kind: "not tried",
  said: "the application closes connections without a message of its protocol",
};
/** Tunnels of a frozen replica must be cut within this, ms. The proxy promises 2 s. */
const cutWithinMs = 3_000;
/** Time for two successful probes, after which a proxy uses a replica again, ms. */
const backAfterMs = 2_000;
/**
 * Number of sessions opened while a replica is frozen, and the time for which they are watched after its return, ms.
 */
const openedMeanwhile = 11;
const watchReturnMs = 10_000;
/** An application must have ended within this after SIGTERM, ms. */
const endWithinMs = 30_000;

/** A replica of the application that can be signaled: a process of this host, or a container. */
export interface Signaled {
  name: string;
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGTERM"): Promise<void>;
  /** Whether it runs. */
  alive(): Promise<boolean>;
}

/** The process `pid`. */
export function processOf(pid: number): Signaled {
  const send = (signal: NodeJS.Signals | 0) => process.kill(pid, signal);
  return {
    name: `pid ${pid}`,
    async signal(name) {
      send(name);
    },
    async alive() {
      try {
        return send(0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
        throw error;
      }
    },
  };
}

/** The container of that name or id, signaled with the `docker` command. */
export function containerOf(container: string): Signaled {
  const docker = async (...args: string[]) => (await promisify(execFile)("docker", args)).stdout.trim();
  return {
    name: `container ${container}`,
    async signal(name) {
      await docker("kill", "--signal", name, container);
    },
    alive: async () => (await docker("inspect", "--format", "{{.State.Running}}", container)) === "true",
  };
}

/** Holds connections, freezes the replica, and checks that its connections are cut. */
export async function checkFreeze(target: URL, replica: Signaled): Promise<Finding> {
  const sockets = await hold(target);
  if (sockets.length === 0) return notHeld;
  try {
    await replica.signal("SIGSTOP");
    const cut = await closedWithin(sockets, cutWithinMs, (count) => count > 0);
    if (cut > 0)
      return { kind: "ok", said: `${cut} of ${sockets.length} connections were cut within ${cutWithinMs / 1_000} s` };
    return {
      kind: "breaks",
      said: `${replica.name} is frozen and none of ${sockets.length} connections was cut within ${cutWithinMs / 1_000} s`,
      change: "a readiness path that the application itself answers (APP_READY), not a file or another process",
    };
  } finally {
    await replica.signal("SIGCONT");
    for (const socket of sockets) socket.terminate();
    await delay(backAfterMs);
  }
}

/**
 * Opens sessions on long-polling while the replica is frozen, resumes it, and checks that they stay on their replicas.
 *
 * @param base where Engine.IO answers
 */
export async function checkReturn(base: URL, replica: Signaled): Promise<Finding> {
  let sessions: EngineSession[];
  try {
    await replica.signal("SIGSTOP");
    // By now the proxy in front has noticed, or never will.
    await delay(cutWithinMs);
    const opened = await Promise.allSettled(
      Array.from({ length: openedMeanwhile }, async () => {
        const session = await openSession(base);
        // Every client polls at once. A proxy in front may set the cookie of the session only with this answer.
        await inSession(base, session, { body: "3", withinMs: 10_000 });
        return session;
      }),
    );
    sessions = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  } finally {
    await replica.signal("SIGCONT");
  }
  if (sessions.length === 0) return { kind: "not tried", said: "no other replica took sessions while it was frozen" };
  const until = performance.now() + watchReturnMs;
  try {
    while (performance.now() < until) {
      await Promise.all(sessions.map((session) => inSession(base, session, { body: "3", withinMs: 10_000 })));
      await delay(500);
    }
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return {
      kind: "breaks",
      said: `sessions opened while ${replica.name} was frozen are lost after its return: one ${error.message}`,
      change:
        "a balancer that keeps a session on its replica until that replica is down; with plain session ids clients must keep its cookies",
    };
  }
  return { kind: "ok", said: `${sessions.length} sessions opened meanwhile stayed on their replicas` };
}

/** Holds connections, sends SIGTERM to the replica, and checks that it ends and closes its connections. */
export async function checkEnd(target: URL, replica: Signaled): Promise<Finding> {
  const sockets = await hold(target);
  if (sockets.length === 0) return notHeld;
  const change = "process.on('SIGTERM'): close the server, close every connection, then exit 0";
  try {
    await replica.signal("SIGTERM");
    const startedAt = performance.now();
    while (await replica.alive()) {
      if (performance.now() - startedAt > endWithinMs)
        return { kind: "breaks", said: `${replica.name} still runs ${endWithinMs / 1_000} s after SIGTERM`, change };
      await closedWithin(sockets, 100, () => false);
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const closed = await closedWithin(sockets, cutWithinMs, (count) => count > 0);
    if (closed > 0) return { kind: "ok", said: `it ended after ${seconds} s and closed ${closed} connections` };
    return { kind: "breaks", said: "it ended, and no connection was closed", change };
  } finally {
    for (const socket of sockets) socket.terminate();
  }
}

/** Connections that are still open after a moment: an application may close those of strangers. */
async function hold(target: URL): Promise<WebSocket[]> {
  const sockets = await connect(target);
  await delay(settledMs);
  return sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
}

function connect(target: URL): Promise<WebSocket[]> {
  const url = target.pathname.includes("socket.io") ? pollUrl(target) : new URL(target);
  if (url.search !== "") url.searchParams.set("transport", "websocket");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return Promise.all(
    Array.from(
      { length: held },
      () =>
        new Promise<WebSocket>((resolve, reject) => {
          const socket = new WebSocket(url);
          socket.on("open", () => resolve(socket));
          socket.on("error", reject);
        }),
    ),
  );
}

/** The number of closed connections when `enough` is true or the time is over. */
function closedWithin(
  sockets: readonly WebSocket[],
  withinMs: number,
  enough: (count: number) => boolean,
): Promise<number> {
  return new Promise((resolve) => {
    const count = () => sockets.filter(({ readyState }) => readyState === WebSocket.CLOSED).length;
    const done = () => {
      clearInterval(looking);
      clearTimeout(limit);
      resolve(count());
    };
    const looking = setInterval(() => enough(count()) && done(), 50);
    const limit = setTimeout(done, withinMs);
  });
}
