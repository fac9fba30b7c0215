import { limitKey } from "../../common/http/client-address.ts";
import { FairQueue } from "./fair-queue.ts";

/**
 * Requests that get their connection to one replica at the same time. It is far below the connections that a listening
 * program keeps until it accepts them (511 in Node): the system refuses the others, those of live sessions too.
 */
const atOnce = 64;
/** Requests of one client that may wait for their connection. Its next ones are not read. */
const maxWaiting = 64;

interface Entrance {
  connecting: number;
  readonly waiting: FairQueue<() => void>;
  isScheduled: boolean;
}

/**
 * Bounds the requests that are being handed to one replica. Others wait in a queue in which clients take turns, and go
 * on in later turns of the event loop. So a client that sends a thousand requests at once delays itself alone.
 *
 * @param options.onProgress called when requests have gone on, so that a crowded client may send more
 */
export function createConnectQueue(options: { ipv6Prefix: number; onProgress(): void }) {
  const entrances = new Map<string, Entrance>();
  const waitingOf = new Map<string, number>();
  const crowded = new Set<string>();

  async function wait({ waiting }: Entrance, client: string): Promise<void> {
    const key = limitKey(client, options.ipv6Prefix);
    const count = (waitingOf.get(key) ?? 0) + 1;
    waitingOf.set(key, count);
    if (count >= maxWaiting) crowded.add(key);
    await new Promise<void>((resolve) => waiting.push(key, resolve));
    const left = (waitingOf.get(key) ?? 1) - 1;
    if (left < maxWaiting) crowded.delete(key);
    if (left === 0) waitingOf.delete(key);
    else waitingOf.set(key, left);
  }
  function letIn(entrance: Entrance): void {
    entrance.isScheduled = false;
    while (entrance.connecting < atOnce && entrance.waiting.size > 0) {
      entrance.connecting += 1;
      entrance.waiting.shift()?.();
    }
    options.onProgress();
  }
  return {
    /** Keys of the clients of which so many requests wait that no more may come. */
    crowded: crowded as ReadonlySet<string>,
    /**
     * Takes a place at this replica.
     *
     * @param client canonical address
     * @returns undefined: it is taken; else a promise that resolves when it is
     */
    enter(replicaId: string, client: string): Promise<void> | undefined {
      let entrance = entrances.get(replicaId);
      if (entrance === undefined) {
        entrance = { connecting: 0, waiting: new FairQueue(), isScheduled: false };
        entrances.set(replicaId, entrance);
      }
      if (entrance.connecting === atOnce || entrance.waiting.size > 0) return wait(entrance, client);
      entrance.connecting += 1;
      return undefined;
    },
    /** Gives a place back: the request has its connection, or it needs none any more. Once for each `enter`. */
    leave(replicaId: string): void {
      const entrance = entrances.get(replicaId);
      if (entrance === undefined) return;
      entrance.connecting -= 1;
      if (entrance.waiting.size === 0 || entrance.isScheduled) return;
      entrance.isScheduled = true;
      setImmediate(letIn, entrance);
    },
  };
}

export type ConnectQueue = ReturnType<typeof createConnectQueue>;
