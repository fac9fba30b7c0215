import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import type { WebSocket } from "ws";

/** The target, and the facts that an attacker may know. */
export interface Target {
  /** Address of the proxy's public listener. */
  host: string;
  port: number;
  /** The attacker's local address; undefined lets the system choose. The proxy's limits are per address. */
  from?: string;
  /** Rooms of the peers that must not be affected. Room ids are not secret. */
  rooms: readonly string[];
}

/** One hostile client for the length of one attack: its sockets, and what it counts. */
export interface Attacker {
  readonly target: Target;
  /** Aborted when the attack's time is over. */
  readonly signal: AbortSignal;
  /** Counts of its messages and of the answers. `sent` must not stay 0. */
  readonly figures: Readonly<Record<string, number>>;
  /** Number of connections opened so far. */
  readonly opened: number;
  /** Kept-alive connections of its HTTP requests. */
  readonly agent: Agent;
  count(figure: string, by?: number): void;
  /** A TCP connection to the target. Rejects when it is refused. */
  connect(): Promise<Socket>;
  /** Closes the WebSocket when the attack ends. */
  keep(socket: WebSocket): void;
  /** Closes everything that it opened. */
  end(): void;
}

/** @param signal ends the attack */
export function createAttacker(target: Target, signal: AbortSignal): Attacker {
  const figures: Record<string, number> = {};
  const sockets = new Set<Socket>();
  const webSockets = new Set<WebSocket>();
  const { host, port, from } = target;
  const local = from === undefined ? {} : { localAddress: from };
  const agent = new Agent({ keepAlive: true, maxSockets: 2_000, ...local });
  let opened = 0;
  return {
    target,
    signal,
    figures,
    agent,
    get opened() {
      return opened + Object.values(agent.sockets).flat().length + Object.values(agent.freeSockets).flat().length;
    },
    count(figure, by = 1) {
      figures[figure] = (figures[figure] ?? 0) + by;
    },
    connect() {
      return new Promise((resolve, reject) => {
        opened += 1;
        const socket = connect({ port, host, ...local });
        sockets.add(socket);
        socket.once("error", reject);
        // A target that cuts off an attack does not make the attack fail.
        socket.on("error", () => socket.destroy());
        socket.once("close", () => sockets.delete(socket));
        socket.once("connect", () => resolve(socket));
      });
    },
    keep(socket) {
      opened += 1;
      webSockets.add(socket);
      socket.on("error", () => socket.terminate());
    },
    end() {
      for (const socket of sockets) socket.destroy();
      for (const socket of webSockets) socket.terminate();
      agent.destroy();
    },
  };
}

/** The guard against the input. Each guard was removed once to see the suite fail. */
export type Guard =
  | "attachments"
  | "connects"
  | "query"
  | "heads"
  | "bodies"
  | "pipelining"
  | "addresses"
  | "events"
  | "floods"
  | "frames"
  | "rooms"
  | "slow-readers"
  | "sessions"
  | "requests"
  | "bursts"
  | "admin"
  | "backplane";

/** A figure that must hold, in addition to the bystanders' figures. */
export interface Bound {
  figure: string;
  /** The upper bound after that number of seconds. */
  max?: (seconds: number) => number;
  /** The lower bound, which shows that the attack took place. */
  min?: number;
}

/** One input of one kind, as data and a function. */
export interface Attack {
  /** Describes the client's behaviour. */
  name: string;
  guard: Guard;
  /** Maximum duration, ms. */
  forMs: number;
  bounds?: readonly Bound[];
  /** Attacks until it has finished or `signal` is aborted, and counts. Rejects if it cannot begin. */
  run(attacker: Attacker): Promise<void>;
}
