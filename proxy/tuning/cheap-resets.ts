import { once } from "node:events";
import { Socket } from "node:net";
import { withLoopbackPair } from "./loopback-pair.ts";

/** Changes the socket so that a reset of its peer costs less. */
export type CheapenReset = (socket: Socket) => void;

/**
 * Leaves the error of a reset (ECONNRESET) without stack frames on this socket. Node's streams write out the stack of
 * every error with which they are destroyed, and that takes longer than the rest of a tunnel's end. These stacks have
 * one frame, inside Node. Every other error of the socket keeps its stack.
 */
export function cheapenReset(socket: Socket): void {
  socket.destroy = destroy;
}

function destroy(this: Socket, error?: NodeJS.ErrnoException): Socket {
  // Without a message of frames to write, reading `stack` costs nothing.
  if (error?.code === "ECONNRESET") error.stack = `Error: ${error.message}`;
  return Socket.prototype.destroy.call(this, error);
}

/**
 * Checks {@link cheapenReset} on a loopback connection that is reset.
 *
 * @throws Error that says what went wrong
 */
export function checkCheapResets(): Promise<void> {
  return withLoopbackPair(
    async ({ accepted, peer, signal }) => {
      cheapenReset(accepted);
      accepted.resume();
      const closed = new Promise<Error | null>((resolve) => {
        accepted.on("error", () => undefined).once("close", () => resolve(accepted.errored));
      });
      peer.resetAndDestroy();
      const error = (await Promise.race([closed, once(signal, "abort")])) as NodeJS.ErrnoException | null;
      if (error?.code !== "ECONNRESET" || error.stack !== `Error: ${error.message}`)
        throw new Error(`a reset gave ${error?.stack}`);
    },
    { mayFail: true },
  );
}
