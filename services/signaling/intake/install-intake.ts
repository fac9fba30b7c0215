import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Server } from "socket.io";
import type { WebSocket } from "ws";
import { requireMethods } from "./guarded.ts";
import type { IntakeRules, Packet } from "./intake-contract.ts";
import { SessionIntake } from "./session-intake.ts";

/** Property of a connection with its intake. */
const intakeKey = Symbol("intake");
/** Tokens that the probe of an upgrade costs. A client sends one. */
const probeCost = 16;

/** The used part of an Engine.IO socket. */
export interface EngineSocket extends EventEmitter {
  [intakeKey]?: SessionIntake;
  readonly request: IncomingMessage;
  readonly readyState: string;
  readonly transport: EventEmitter & { readonly name: string; readonly socket?: WebSocket };
  write(data: string): unknown;
  close(discard?: boolean): unknown;
}

interface Decoder extends EventEmitter {
  add(packet: string | Buffer | undefined): void;
  decodeString(text: string): Packet;
  destroy(): void;
}
interface Parser {
  Decoder: new (options: { maxAttachments: number }) => Decoder;
}

/**
 * Puts an intake between every Engine.IO connection and Socket.IO: Socket.IO makes a decoder for each connection while
 * it accepts it, and that decoder hands all that comes to the connection's intake.
 *
 * Returns the intake of a connection. @throws where Socket.IO is not built so any more
 */
export function installIntake(io: Server, options: IntakeRules): (connection: object) => SessionIntake {
  const inner = io as unknown as { _parser: Parser };
  const Published = inner._parser.Decoder;
  requireMethods("socket.io-parser's Decoder", Published.prototype as object, ["add", "decodeString", "destroy"]);
  let accepting: EngineSocket | undefined;

  class PacedDecoder extends Published {
    readonly #intake: SessionIntake;
    constructor() {
      // The intake counts attachments, because it can answer a refusal.
      super({ maxAttachments: Number.POSITIVE_INFINITY });
      const connection = accepting;
      if (connection === undefined) throw new Error("socket.io makes its decoders at another time than it did");
      this.#intake = new SessionIntake(connection, this, options);
      connection[intakeKey] = this.#intake;
    }
    override add(packet: string | Buffer | undefined): void {
      // A message without data has none here either.
      this.#intake.pace.offer(packet ?? "");
    }
    override destroy(): void {
      this.#intake.close();
    }
  }
  inner._parser = { ...inner._parser, Decoder: PacedDecoder };

  const engine = io.engine as EventEmitter;
  requireMethods("engine.io's server", engine, ["prependListener"]);
  engine.prependListener("connection", (connection: EngineSocket) => {
    accepting = connection;
    connection.on("packet", onPacket).on("upgrading", onProbe);
  });

  return (connection) => {
    const { [intakeKey]: intake } = connection as EngineSocket;
    if (intake === undefined) throw new Error("a connection that socket.io has made no decoder for");
    return intake;
  };
}

// The listeners are shared: one for each connection would be most of what it keeps.

/** Engine.IO's own packets, such as heartbeats, are charged here. Socket.IO's are charged where they are read. */
function onPacket(this: EngineSocket, { type }: { type: string }): void {
  const { [intakeKey]: intake } = this;
  if (type !== "message" && intake?.limits.take(1) === false) intake.pace.refused("silent");
}

/** Each probe is answered, on a WebSocket that is not the connection's transport yet. */
function onProbe(this: EngineSocket, transport: EngineSocket["transport"]): void {
  if (this[intakeKey]?.limits.take(probeCost) !== false) return;
  // One read may hold thousands of probes.
  transport.removeAllListeners("packet");
  transport.socket?.terminate();
}
