import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "../../../common/protocol.ts";
import type { Ledger } from "./ledger.ts";
import type { LimitRules } from "./limits.ts";
import type { Turns } from "./turns.ts";

/** A packet, parsed from its text. */
export interface Packet {
  type: number;
  nsp: string;
  id?: number;
  data?: unknown;
  attachments?: number;
}

/** The used part of a WebSocket. */
export interface PausableSocket {
  pause(): void;
  resume(): void;
  terminate(): void;
}

/** The used part of an Engine.IO socket. */
export interface EngineConnection {
  /** The request that opened it; freed later. */
  readonly request: IncomingMessage;
  readonly transport: { readonly name: string; readonly socket?: PausableSocket };
  write(data: string): unknown;
  close(discard?: boolean): unknown;
}

/** Reads the text of a packet, and hands packets to Socket.IO. */
export interface PacketDecoder {
  /** @throws Error for an invalid packet */
  decodeString(text: string): Packet;
  emit(event: "decoded", packet: Packet): unknown;
}

/** Shared by all connections of a server. */
export interface IntakeRules extends LimitRules {
  /** The unfinished input of all connections. */
  unfinished: Ledger;
  /** Turns of the event loop. */
  turns: Turns;
  onRefused: (event: string, code: ErrorCode) => void;
  /** Called when there is too much unfinished input, most of it on this connection. */
  onOverflow: (connection: EngineConnection) => void;
}
