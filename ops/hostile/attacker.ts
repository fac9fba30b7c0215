import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import type { WebSocket } from "ws";

/** What is attacked, and what a stranger may know of it. */
export interface Target {
  /** Of the proxy's public listener. */
  host: string;
  port: number;
  /** Own address of the attacker; undefined: whichever the system takes. Limits are kept by address. */
  from?: string;
  /** Rooms of the peers that must not be hurt: room ids are no secret. */
  rooms: readonly string[];
}

/** One hostile client for the length of one attack: its sockets, and what it counts. */
export interface Attacker {
  readonly target: Target;
  /** Aborted when the attack's time is over. */
  readonly signal: AbortSignal;
  /** What it did and what it got; `sent` must not stay 0. */
  readonly figures: Readonly<Record<string, number>>;
  /** Connections that it has opened so far. */
  readonly opened: number;
  /** Kept-alive connections of its HTTP requests. */
  readonly agent: Agent;
  count(figure: string, by?: number): void;
  /** A TCP connection to the target. Rejects when it is refused. */
  connect(): Promise<Socket>;
  /** Ends the WebSocket with the attack. */
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
        // A target that cuts an attack off is no error of the attack.
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

/** What stands between the input and its harm; each is taken out once to see the suite fail. */
export type Guard =
  | "attachments"
  | "connects"
  | "query"
  | "heads"
  | "bodies"
  | "pipelining"
  | "addresses"
  | "events"
  | "frames"
  | "rooms"
  | "slow-readers"
  | "sessions"
  | "requests"
  | "admin"
  | "backplane";

/** A figure that must hold besides: nobody else is hurt. */
export interface Bound {
  figure: string;
  /** At the most, after so many seconds. */
  max?: (seconds: number) => number;
  /** At the least: the attack did take place. */
  min?: number;
}

/** One input of one kind, as data and a function. */
export interface Attack {
  /** Says what the client does. */
  name: string;
  guard: Guard;
  /** How long it goes on at the most, ms. */
  forMs: number;
  bounds?: readonly Bound[];
  /** Attacks until it is done or `signal` is aborted, and counts. Rejects when it cannot even begin. */
  run(attacker: Attacker): Promise<void>;
}
