import { WebSocket } from "ws";
import { type EngineSession, inSession, openSession, pollUrl, SessionError } from "./engine-session.ts";

/** The subject of the checks: a proxy, or an application without one. */
export interface Subject {
  /** The proxy, or the application itself. */
  url: URL;
  readyUrl: URL;
  /** Path of Engine.IO; undefined if the application has none. */
  enginePath: string | undefined;
  /** Path of a plain WebSocket endpoint; undefined if there is none. */
  websocketPath: string | undefined;
  /** Paths that GET must reach. */
  paths: readonly string[];
  /** Path that takes a POST of 2 MiB; undefined: not tried. */
  uploadPath: string | undefined;
  /** Path whose answer takes seconds; undefined: not tried. */
  slowPath: string | undefined;
  /** How long an idle poll must be held, ms. */
  idleMs: number;
}

/** The result of one check. `change` is the setting or line to change when it breaks. */
export type Finding =
  | { kind: "ok"; said: string }
  | { kind: "not tried"; said: string }
  | { kind: "breaks"; said: string; change: string };

export interface Check {
  name: string;
  run(subject: Subject): Promise<Finding>;
}

const ok = (said: string): Finding => ({ kind: "ok", said });
const notTried = (said: string): Finding => ({ kind: "not tried", said });
const breaks = (said: string, change: string): Finding => ({ kind: "breaks", said, change });

const noEngine = notTried("it has no Engine.IO path (ENGINE_IO=)");
/** Number of sessions opened to test stickiness. It is a prime, so that round robin does not look sticky. */
const sessions = 11;
/** Above the proxy's default limit of 1 MiB. */
const uploadBytes = 2 * 1_024 * 1_024;

async function overEngine(
  { url, enginePath }: Subject,
  run: (base: URL) => Promise<Finding>,
  change: string,
): Promise<Finding> {
  if (enginePath === undefined) return noEngine;
  try {
    return await run(new URL(enginePath, url));
  } catch (error) {
    if (error instanceof SessionError) return breaks(error.message, change);
    throw error;
  }
}

/** Every check, in the order in which to repair failures. */
export const checks: readonly Check[] = [
  {
    name: "readiness",
    async run({ readyUrl }) {
      const answer = await fetch(readyUrl, { signal: AbortSignal.timeout(3_000) });
      await answer.body?.cancel();
      if (answer.ok) return ok(`GET ${readyUrl.pathname} answers ${answer.status}`);
      return breaks(
        `GET ${readyUrl.pathname} answers ${answer.status}: the proxy would keep the replica down`,
        "APP_READY=/path that answers 2xx to GET, or id=url|readyURL in REPLICAS",
      );
    },
  },
  {
    name: "session ids",
    run: (subject) =>
      overEngine(
        subject,
        async (base) => {
          const { sid } = await openSession(base);
          if (/^[a-z0-9][a-z0-9-]*\../.test(sid)) return ok(`they name the replica: ${sid.split(".", 1)[0]}`);
          return ok("they are plain: the cookie keeps a session on its replica, so clients must keep it");
        },
        "APP_ENGINE_IO_PATHS=/path/ where Engine.IO answers",
      ),
  },
  {
    name: "sessions stay on one replica",
    run: (subject) =>
      overEngine(
        subject,
        async (base) => {
          const opened = await Promise.all(Array.from({ length: sessions }, () => openSession(base)));
          for (let round = 0; round < 3; round += 1)
            await Promise.all(opened.map((session) => inSession(base, session, { body: "3", withinMs: 10_000 })));
          return ok(`${sessions} sessions, three requests each`);
        },
        "a sticky balancer: every request of a session goes to the replica that opened it (STICKY_KEY=cookie)",
      ),
  },
  {
    name: "clients without cookies",
    run: (subject) =>
      overEngine(
        subject,
        async (base) => {
          const opened = await Promise.all(
            Array.from({ length: sessions }, () => openSession(base, { keepCookies: false })),
          );
          for (let round = 0; round < 3; round += 1)
            await Promise.all(opened.map((session) => inSession(base, session, { body: "3", withinMs: 10_000 })));
          return ok(`${sessions} sessions, three requests each`);
        },
        'io.engine.generateId = () => NODE_ID + "." + randomBytes(16).toString("base64url"), or WebSocket alone for them',
      ),
  },
  {
    name: "an idle poll",
    run: (subject) =>
      overEngine(
        subject,
        async (base) => {
          const session = await openSession(base);
          await enter(base, session);
          const until = performance.now() + subject.idleMs;
          for (;;) {
            const leftMs = until - performance.now();
            if (leftMs <= 0) break;
            const poll = inSession(base, session, { withinMs: session.pingIntervalMs + 20_000 });
            const text = await Promise.race([poll, idle(leftMs)]);
            if (text === undefined) break;
            if (text.split("\x1e").includes("1")) throw new SessionError("the server closed the session");
            if (text.split("\x1e").includes("2")) await inSession(base, session, { body: "3", withinMs: 10_000 });
          }
          return ok(`held for ${subject.idleMs / 1_000} s`);
        },
        "time-outs of the proxies in front above 25 s (PROXY_TIMEOUT_MS, proxy_read_timeout, timeout server)",
      ),
  },
  {
    name: "cross-origin requests",
    run: ({ url, enginePath }) =>
      enginePath === undefined
        ? Promise.resolve(noEngine)
        : fetch(pollUrl(new URL(enginePath, url)), { headers: { origin: "https://other.example" } }).then(
            async (answer) => {
              await answer.body?.cancel();
              const allowed = answer.headers.get("access-control-allow-origin");
              const credentials = answer.headers.get("access-control-allow-credentials") === "true";
              if (allowed === "https://other.example" && credentials)
                return breaks(
                  "any page may use a visitor's session: its origin is echoed, credentials are allowed",
                  "cors: { origin: [your origins] }, never origin: true with credentials",
                );
              return ok(allowed === null ? "answers name no foreign origin" : `answers allow ${allowed}`);
            },
          ),
  },
  {
    name: "WebSocket",
    run: ({ url, enginePath, websocketPath }) => {
      const target = new URL(websocketPath ?? enginePath ?? "/", url);
      if (websocketPath === undefined) {
        if (enginePath === undefined) return Promise.resolve(notTried("no path is known (WS=)"));
        target.search = "?EIO=4&transport=websocket";
      }
      return upgrade(target);
    },
  },
  {
    name: "paths",
    async run({ url, paths }) {
      if (paths.length === 0) return notTried("no path was named (PATHS=/main.js,/api)");
      for (const path of paths) {
        const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(10_000) });
        if (answer.status === 404)
          return breaks(`GET ${path} answers 404`, `PROXY_PATHS (APP_PATHS) with ${path}, a prefix of it, or /*`);
        if (answer.status >= 500) return breaks(`GET ${path} answers ${answer.status}`, "the application's own log");
        await answer.body?.cancel();
      }
      return ok(paths.join(", "));
    },
  },
  {
    name: "upload",
    async run({ url, uploadPath }) {
      if (uploadPath === undefined) return notTried("no path was named (UPLOAD=/uploads)");
      const answer = await fetch(new URL(uploadPath, url), {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: new Uint8Array(uploadBytes),
        signal: AbortSignal.timeout(30_000),
      });
      if (answer.status === 405)
        return breaks(`POST ${uploadPath} answers 405`, "PROXY_PATHS (APP_PATHS) with /*: other paths take no POST");
      if (answer.status === 413)
        return breaks(`POST of 2 MiB to ${uploadPath} answers 413`, "MAX_BODY_BYTES above your largest upload");
      if (!answer.ok) return breaks(`POST ${uploadPath} answers ${answer.status}`, "the application's own log");
      await answer.body?.cancel();
      return ok(`2 MiB to ${uploadPath}: ${answer.status}`);
    },
  },
  {
    name: "a slow answer",
    async run({ url, slowPath }) {
      if (slowPath === undefined) return notTried("no path was named (SLOW=/report)");
      const startedAt = performance.now();
      const answer = await fetch(new URL(slowPath, url), { signal: AbortSignal.timeout(90_000) });
      await answer.body?.cancel();
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      if (answer.ok) return ok(`GET ${slowPath} took ${seconds} s`);
      return breaks(
        `GET ${slowPath} answers ${answer.status} after ${seconds} s`,
        "PROXY_TIMEOUT_MS above the longest answer; a proxy in front must not retry",
      );
    },
  },
];

/** CONNECT to the namespace `/`, so that a Socket.IO server keeps the session. */
async function enter(base: URL, session: EngineSession): Promise<void> {
  await inSession(base, session, { body: "40", withinMs: 10_000 });
}

function idle(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
}

function upgrade(target: URL): Promise<Finding> {
  target.protocol = target.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(target);
  return new Promise((resolve) => {
    socket.on("open", () => {
      socket.terminate();
      resolve(ok(`${target.pathname} upgrades`));
    });
    socket.on("error", ({ message }) =>
      resolve(
        breaks(
          `${target.pathname}: ${message}`,
          "pass Upgrade and Connection on, speak HTTP/1.1 to the replica, and name the path in PROXY_PATHS",
        ),
      ),
    );
  });
}
