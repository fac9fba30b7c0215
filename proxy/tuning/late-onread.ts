import { once } from "node:events";
import { Socket } from "node:net";
import { withLoopbackPair } from "./loopback-pair.ts";

/** Takes a read: `size` bytes at the front of `buffer`. False stops the reading, until `resume`. */
export type Take = (size: number, buffer: Uint8Array) => boolean;

/** The part of a socket's handle that `onread` uses. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}
type Internals = Record<PropertyKey, unknown> & { _handle?: Handle | null; encrypted?: boolean };

const keys = findKeys();

/** @returns false, with nothing changed, if this socket does not allow it (TLS, or unread bytes) */
export type ReadInto = (socket: Socket, buffer: Uint8Array, take: Take) => boolean;

/**
 * Enables `onread` on an accepted socket; `net.connect` alone has an option for it. From now on reads land in `buffer`
 * and go to `take`. Node makes no Buffer and emits no `data`. `pause`, `resume` and `end` work as with the option
 * (docs/decisions/late-onread.md).
 *
 * @returns false, with nothing changed, where the socket or this Node does not allow it; `data` events go on
 */
export function readInto(socket: Socket, buffer: Uint8Array, take: Take): boolean {
  const internals = socket as unknown as Internals;
  if (keys === undefined || internals.encrypted === true) return false;
  const handle = internals._handle;
  if (handle?.useUserBuffer === undefined || socket.readableLength > 0 || socket.readableEnded) return false;
  internals[keys.buffer] = buffer;
  internals[keys.take] = take;
  handle.useUserBuffer(buffer);
  return true;
}

/**
 * The fields of a socket that hold the two parts of `onread`. They are found on a socket made with the option, not by
 * name.
 */
function findKeys(): { buffer: PropertyKey; take: PropertyKey } | undefined {
  const onread = { buffer: new Uint8Array(1), callback: () => true };
  const made = new Socket({ onread });
  const internals = made as unknown as Internals;
  const keyOf = (value: unknown) => Reflect.ownKeys(made).find((key) => internals[key] === value);
  const buffer = keyOf(onread.buffer);
  const take = keyOf(onread.callback);
  made.destroy();
  // The fields exist, empty, in every socket of a Node that has this option.
  const bare = new Socket();
  const known = (key: PropertyKey | undefined): key is PropertyKey => key !== undefined && Object.hasOwn(bare, key);
  return known(buffer) && known(take) ? { buffer, take } : undefined;
}

/**
 * Checks {@link readInto} on a loopback connection: bytes before it, bytes after it, a pause, and the end.
 *
 * @throws Error that says what went wrong
 */
export function checkLateOnread(): Promise<void> {
  return withLoopbackPair(async ({ accepted, peer, signal }) => {
    const sent = "0123456789abcdef".repeat(512);
    let byEvent = "";
    let byRead = "";
    accepted.on("data", (chunk) => {
      byEvent += String(chunk);
    });
    peer.write("by event");
    await once(accepted, "data", { signal });
    const took = readInto(accepted, Buffer.alloc(1_024), (size, buffer) => {
      byRead += (buffer as Buffer).toString("latin1", 0, size);
      // Stops each read; the next turn goes on.
      setImmediate(() => accepted.resume());
      return false;
    });
    if (!took) throw new Error("this Node keeps a socket's read buffer elsewhere");
    const ended = once(accepted, "end", { signal });
    peer.end(sent);
    await ended;
    if (byEvent !== "by event") throw new Error(`${byEvent.length - 8} bytes came as events`);
    if (byRead !== sent) throw new Error(`${byRead.length} of ${sent.length} bytes came, or other bytes`);
  });
}
