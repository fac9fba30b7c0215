import { limitKey } from "../../common/http/client-address.ts";

/** Kept-alive connections of one client that may wait for their next request. Each keeps a parser. */
const maxIdle = 1_024;

/** The connections of one client. */
interface Client {
  readonly key: string;
  open: number;
  idle: number;
}

/** What one connection counts for. A connection of a trusted proxy counts for nobody. */
export class KeptAlive {
  #client: Client | undefined;
  readonly #clients: Map<string, Client>;
  #isIdle = false;

  constructor(client: Client | undefined, clients: Map<string, Client>) {
    this.#client = client;
    this.#clients = clients;
    if (client !== undefined) client.open += 1;
  }
  /** Whether it is without a request. */
  set idle(isIdle: boolean) {
    if (this.#client === undefined || isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    this.#client.idle += isIdle ? 1 : -1;
  }
  /** The client has many such connections: an answer should close this one. */
  get isOneTooMany(): boolean {
    return this.#client !== undefined && this.#client.idle >= maxIdle;
  }
  /** It is closed, or carries no HTTP any more. */
  end(): void {
    this.idle = false;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.open -= 1;
    if (client.open === 0) this.#clients.delete(client.key);
  }
}

/**
 * Counts the kept-alive connections without a request, for each client. Above a limit its answers close theirs. Nothing
 * is cut, because a request can be on its way.
 */
export function createIdleConnections({ ipv6Prefix }: { ipv6Prefix: number }) {
  const clients = new Map<string, Client>();

  return {
    /** @param address canonical; undefined: a trusted proxy */
    opened(address: string | undefined): KeptAlive {
      if (address === undefined) return new KeptAlive(undefined, clients);
      const key = limitKey(address, ipv6Prefix);
      const client = clients.get(key) ?? { key, open: 0, idle: 0 };
      clients.set(key, client);
      return new KeptAlive(client, clients);
    },
  };
}

export type IdleConnections = ReturnType<typeof createIdleConnections>;
