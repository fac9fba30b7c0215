import { limitKey } from "../../common/http/client-address.ts";
import type { Linked, LinkedSet } from "./linked-set.ts";

/** What an unfinished body costs beside its bytes, here and at its replica, bytes. */
const bodyCost = 16_384;
/** Memory of a waiting piece besides its bytes. A chunk of one byte is an object of its own. */
export const pieceCost = 256;

/** Memory of a parser with an unfinished head, and for each byte of a head: each of its names and values is a string. */
const parserBytes = 4_096;
const memoryAByte = 8;
/** The head of a request under way counts beyond this, bytes: many clients behind one address have large cookies. */
const usualHeadBytes = 4_096;

/** What heads cost, by their bytes. */
export const memoryOf = {
  partialHead: (bytes: number): number => parserBytes + memoryAByte * bytes,
  request: (headBytes: number): number => 2 * Math.max(0, headBytes - usualHeadBytes),
};

/** Something that may hold bytes for a client: a tunnel, a connection. */
export interface Holder extends Linked {
  /** The client's canonical address; undefined if it counts for no client. */
  readonly address: string | undefined;
  heldBytes(): number;
  destroy(reason: string): void;
}

/** An incomplete body. */
export interface PendingBody {
  /** Adds received bytes. Returns false if the client has too much pending. */
  add(bytes: number): boolean;
  end(): void;
}

const unbounded: PendingBody = { add: () => true, end: () => undefined };

/**
 * Bounds the bytes that are kept for each client (an IPv4 address, a network of IPv6) because something is not finished
 * or not read: heads, bodies, answers and messages. Bodies are counted as they come. `sweep` counts the rest, so that a
 * message costs nothing.
 */
export function createPendingBytes(options: { perClient: number; ipv6Prefix: number }) {
  const bodies = new Map<string, number>();

  return {
    /**
     * Undefined: the client has too much pending for one more body, or one more read that waits.
     *
     * @param client undefined: a trusted proxy, which carries many clients and has no budget
     * @param announced its length by its head, bytes: counted from the start, so that a body that does not fit is refused
     * before anything is done for it
     * @param cost what it costs beside its bytes
     */
    beginBody(client: string | undefined, announced = 0, cost = bodyCost): PendingBody | undefined {
      if (client === undefined) return unbounded;
      const key = limitKey(client, options.ipv6Prefix);
      let size = 0;
      let ended = false;
      let toCome = announced;
      const count = (bytes: number) => {
        const sum = (bodies.get(key) ?? 0) + bytes;
        size += bytes;
        bodies.set(key, sum);
        return sum <= options.perClient;
      };
      // More of a refused body may come. Nobody keeps it, so it does not count.
      const add = (bytes: number) => {
        if (ended) return true;
        const known = Math.min(bytes, toCome);
        toCome -= known;
        return count(bytes - known + pieceCost);
      };
      const end = () => {
        ended = true;
        const left = (bodies.get(key) ?? 0) - size;
        size = 0;
        if (left > 0) bodies.set(key, left);
        else bodies.delete(key);
      };
      if (count(cost + announced)) return { add, end };
      end();
      return undefined;
    },
    /** Closes the largest holders of every client that has too much pending. Returns their number. */
    sweep(sets: Iterable<Pick<LinkedSet<Holder>, "forEach">>): number {
      const held = new Map<string, { sum: number; each: { holder: Holder; bytes: number }[] }>();
      const look = (holder: Holder) => {
        const bytes = holder.address === undefined ? 0 : holder.heldBytes();
        if (bytes === 0) return;
        const key = limitKey(holder.address as string, options.ipv6Prefix);
        const known = held.get(key) ?? { sum: bodies.get(key) ?? 0, each: [] };
        known.sum += bytes;
        known.each.push({ holder, bytes });
        held.set(key, known);
      };
      for (const set of sets) set.forEach(look);
      let closed = 0;
      for (const { sum, each } of held.values()) {
        let over = sum - options.perClient;
        if (over <= 0) continue;
        each.sort((a, b) => b.bytes - a.bytes);
        for (const { holder, bytes } of each) {
          if (over <= 0) break;
          holder.destroy("pending");
          over -= bytes;
          closed += 1;
        }
      }
      return closed;
    },
  };
}

export type PendingBytes = ReturnType<typeof createPendingBytes>;
