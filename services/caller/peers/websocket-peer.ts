import { WebSocket } from "ws";
import type { PeerKind } from "./peer-kind.ts";
import { cookieHeader, keepConnected, keepCookies, replicaHeader } from "./session.ts";

/** Ping interval, ms. A ping without a pong before the next ping ends the connection. */
const pingEveryMs = 5_000;

/** Holds a plain WebSocket. Ping and pong show that it is alive. */
export const websocketPeer: PeerKind = {
  capabilities: { signals: false, media: false },
  connect(options, events) {
    const url = new URL(options.path ?? "/", options.url);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    return keepConnected(options, events, (cookies, { opened, closed }) => {
      const cookie = options.cookies ? cookieHeader(cookies) : undefined;
      const socket = new WebSocket(url, { headers: cookie === undefined ? {} : { cookie } });
      let node: string | null = null;
      let answered = true;
      let pinging: NodeJS.Timeout | undefined;
      socket.on("upgrade", ({ headers }) => {
        keepCookies(cookies, headers["set-cookie"]);
        node = headers[replicaHeader]?.toString() ?? null;
      });
      socket.on("open", () => {
        if (options.hello !== undefined) socket.send(options.hello);
        pinging = setInterval(() => {
          if (!answered) socket.terminate();
          answered = false;
          socket.ping();
        }, pingEveryMs);
        opened(node);
      });
      socket.on("pong", () => {
        answered = true;
      });
      socket.on("error", ({ message }) => closed(message));
      socket.on("close", (code) => {
        clearInterval(pinging);
        closed(`closed with ${code}`);
      });
      return () => socket.terminate();
    });
  },
};
