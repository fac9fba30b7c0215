import { FairQueue } from "../listen/fair-queue.ts";

/**
 * Requests that get their connection to one replica at the same time. It is far below the connections that a listening
 * program keeps until it accepts them (511 in Node): the system refuses the others, those of live sessions too.
 */
const atOnce = 32;
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
 * @param onProgress called when clients that waited may send more
 */
export function createConnectQueue(onProgress: () => void) {
  const entrances = new Map<string, Entrance>();
  const waitingOf = new Map<string, number>();

  async function wait({ waiting }: Entrance, client: string): Promise<void> {
    waitingOf.set(client, (waitingOf.get(client) ?? 0) + 1);
    await new Promise<void>((resolve) => waiting.push(client, resolve));
    const left = (waitingOf.get(client) ?? 1) - 1;
    if (left === 0) waitingOf.delete(client);
    else waitingOf.set(client, left);
  }

  function letIn(entrance: Entrance): void {
    entrance.isScheduled = false;
    while (entrance.connecting < atOnce && entrance.waiting.size > 0) {
      entrance.connecting += 1;
      entrance.waiting.shift()?.();
    }
    onProgress();
  }
  return {
    /**
     * Takes a place at this replica.
     *
     * @returns undefined: it is taken; else a promise that resolves when it is
     */
    enter(replicaId: string, client: string): Promise<void> | undefined {
      let entrance = entrances.get(replicaId);
      if (entrance === undefined) {
        entrance = { connecting: 0, waiting: new FairQueue(), isScheduled: false };
        entrances.set(replicaId, entrance);
      }
      const { waiting, connecting } = entrance;
      if (connecting < atOnce && waiting.size === 0) {
        entrance.connecting += 1;
        return undefined;
      }
      return wait(entrance, client);
    },
    /** So many requests of this client wait that no more may come. */
    isCrowded: (client: string): boolean => waitingOf.size > 0 && (waitingOf.get(client) ?? 0) >= maxWaiting,
    /** Gives a place back: the request has its connection, or it needs none any more. Once for each `enter`. */
    leave(replicaId: string): void {
      const entrance = entrances.get(replicaId);
      if (entrance === undefined) return;
      entrance.connecting -= 1;
      if (entrance.waiting.size === 0) {
        if (entrance.connecting === 0) entrances.delete(replicaId);
      } else if (!entrance.isScheduled) {
        entrance.isScheduled = true;
        setImmediate(letIn, entrance);
      }
    },
  };
}

export type ConnectQueue = ReturnType<typeof createConnectQueue>;
