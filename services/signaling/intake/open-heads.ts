import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Connections that may be without a complete request head at once; Node takes 16 KiB of each. */
const maxOpenHeads = 1_024;
/** A head must be there within this time, a body too where nothing says otherwise, ms. */
const headWithinMs = 10_000;
const requestWithinMs = 30_000;

/** Bounds what connections hold that have not sent a complete head: in time, and in number, the oldest going first. */
export function boundOpenHeads(http: Server): void {
  http.headersTimeout = headWithinMs;
  http.requestTimeout = requestWithinMs;
  const open = new Set<Socket>();
  function onClose(this: Socket): void {
    open.delete(this);
  }
  http.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", onClose);
    const [oldest] = open;
    if (open.size > maxOpenHeads) oldest?.destroy();
  });
  function isComplete({ socket }: { socket: Socket }): void {
    open.delete(socket);
    socket.off("close", onClose);
  }
  http.on("request", isComplete);
  http.on("upgrade", isComplete);
}
