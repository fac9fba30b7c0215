import { Socket } from "node:net";

/** Takes a read: `size` bytes at the front of `buffer`. False stops the reading, until `resume`. */
export type Take = (size: number, buffer: Uint8Array) => boolean;

/** The part of a socket's handle that `onread` uses. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}
type Internals = Record<PropertyKey, unknown> & { _handle?: Handle | null; encrypted?: boolean };

const keys = findKeys();

/**
 * Gives a socket that a server accepted what `net.connect` gives through its `onread` option alone: from now on reads
 * land in `buffer` and are told to `take`, with no Buffer made and no event emitted; `pause`, `resume` and `end` are as
 * with that option (docs/decisions/late-onread.md).
 *
 * @returns false, with nothing changed: not this socket (TLS; bytes read that nobody took), or not this Node. It goes
 *   on with `data` events.
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

/** Where a socket keeps the two parts of `onread`: looked for in one that was made with it, not by name. */
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
