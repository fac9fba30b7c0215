import type { EventEmitter } from "node:events";
import type { Server } from "socket.io";

/** Name of the event that a malformed packet becomes; no client can mean anything by it. */
const malformedEvent = "malformed packet";
/** Number of EVENT in Socket.IO protocol 5. */
const eventType = 2;

interface Decoder extends EventEmitter {
  add(packet: unknown): void;
  destroy(): void;
}
interface Parser {
  Decoder: new (...options: unknown[]) => Decoder;
}

/**
 * A packet that cannot be decoded becomes an event that the room rules refuse, so that its sender gets a coded
 * `error-report`, as on the raw gateway, and keeps its connection. Socket.IO would close it without a word.
 */
export function tolerateMalformed(io: Server, namespace: string): void {
  const inner = io as unknown as { _parser: Parser };
  const Strict = inner._parser.Decoder;
  class Tolerant extends Strict {
    override add(packet: unknown): void {
      try {
        super.add(packet);
      } catch {
        // What was half assembled is given up.
        this.destroy();
        this.emit("decoded", { type: eventType, nsp: namespace, data: [malformedEvent] });
      }
    }
  }
  inner._parser = { ...inner._parser, Decoder: Tolerant };
}
