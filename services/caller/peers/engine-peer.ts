import { setTimeout as delay } from "node:timers/promises";
import { Socket, type SocketOptions } from "engine.io-client";
import type { PeerKind, PeerOptions } from "./peer-kind.ts";
import { cookieHeader, keepConnected, keepCookies, replicaHeader } from "./session.ts";

/** Time-out (ms), number and distance (ms) of the requests that find a session's replica. */
const askWithinMs = 2_000;
const asks = 4;
const askEveryMs = 400;
/** CONNECT to the namespace `/`: a Socket.IO server ends a connection without one within 45 s. */
const socketIoConnect = "0";

/** The used parts of Engine.IO's client on Node that are not public. */
interface NodeEngine {
  _cookieJar?: { cookies: Iterable<[name: string, cookie: { value: string }]> };
  transport?: { ws?: { once?: (event: "upgrade", listener: (answer: UpgradeAnswer) => void) => void } };
}
interface UpgradeAnswer {
  headers: { "set-cookie"?: string[] } & Record<string, string | string[] | undefined>;
}

/** Holds an Engine.IO session on long-polling or WebSocket. Engine.IO's ping shows that it is alive. */
export const enginePeer: PeerKind = {
  capabilities: { signals: false, media: false },
  connect(options, events) {
    const path = options.path ?? "/socket.io/";
    return keepConnected(options, events, (cookies, { opened, closed }) => {
      const cookie = options.cookies ? cookieHeader(cookies) : undefined;
      const socket = new Socket(options.url, {
        path,
        withCredentials: options.cookies,
        transports: options.transports === "default" ? ["polling", "websocket"] : [options.transports],
        ...(options.query === undefined ? {} : { query: options.query }),
        ...(cookie === undefined ? {} : { extraHeaders: { cookie } }),
      } satisfies Partial<SocketOptions>);
      const engine = socket as unknown as NodeEngine;
      let node: string | null = null;
      engine.transport?.ws?.once?.("upgrade", ({ headers }) => {
        keepCookies(cookies, headers["set-cookie"]);
        node = headers[replicaHeader]?.toString() ?? null;
      });
      socket.on("open", () => {
        for (const [name, { value }] of engine._cookieJar?.cookies ?? []) cookies.set(name, value);
        socket.send(options.hello ?? socketIoConnect);
        if (node !== null) opened(node);
        // If the session ends during the request, `close` reports it.
        else
          askReplica(options, path, socket.id, options.cookies ? cookieHeader(cookies) : undefined).then(opened, () =>
            opened(null),
          );
      });
      socket.on("close", (reason, details) => closed(details instanceof Error ? details.message : reason));
      socket.on("error", (error) => closed(String(error)));
      return () => socket.close();
    });
  },
};

/**
 * Finds the replica of a session with a request that the proxy routes like the session's own and that does not affect
 * the session. The client does not expose the headers of a poll. Repeats the request while the proxy answers itself, as
 * after the loss of the replica. Returns null if no answer names a replica.
 */
async function askReplica(
  { url }: PeerOptions,
  path: string,
  sid: string | undefined,
  cookie: string | undefined,
): Promise<string | null> {
  const asked = new URL(path, url);
  asked.search = new URLSearchParams({ EIO: "4", transport: "polling", sid: sid ?? "" }).toString();
  for (let ask = 1; ; ask += 1) {
    const answer = await fetch(asked, {
      method: "OPTIONS",
      headers: cookie === undefined ? {} : { cookie },
      signal: AbortSignal.timeout(askWithinMs),
    });
    await answer.body?.cancel();
    const node = answer.headers.get(replicaHeader);
    if (node !== null || ask === asks) return node;
    await delay(askEveryMs);
  }
}
