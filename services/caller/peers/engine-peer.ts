import { setTimeout as delay } from "node:timers/promises";
import { Socket, type SocketOptions } from "engine.io-client";
import type { PeerKind, PeerOptions } from "./peer-kind.ts";
import { cookieHeader, keepConnected, keepCookies, replicaHeader } from "./session.ts";

/** The question which replica holds a session is given up after this, ms, and asked so often, at this distance. */
const askWithinMs = 2_000;
const asks = 4;
const askEveryMs = 400;
/** CONNECT to the namespace `/`: a Socket.IO server ends a connection on which none comes within 45 s. */
const socketIoConnect = "0";

/** What is used of Engine.IO's client on Node beside its public methods. */
interface NodeEngine {
  _cookieJar?: { cookies: Iterable<[name: string, cookie: { value: string }]> };
  transport?: { ws?: { once?: (event: "upgrade", listener: (answer: UpgradeAnswer) => void) => void } };
}
interface UpgradeAnswer {
  headers: { "set-cookie"?: string[] } & Record<string, string | string[] | undefined>;
}

/** Holds an Engine.IO session, on long-polling or WebSocket, and knows by Engine.IO's ping that it lives. */
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
        // What ends the session while it is asked is told by `close`.
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
 * Which replica holds the session, by a request that routes as the session's own do and that Engine.IO answers without
 * touching it. The client does not show the headers of a poll. Asked again while the proxy answers itself, as it does
 * when it has just lost the replica; null where nobody tells.
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
