import type { ErrorCode } from "../../../common/protocol.ts";
import { NAMESPACE } from "../../../common/protocol-names.ts";
import { findPlaceholders, oversizedEvent } from "./attachments.ts";
import type { EngineConnection, IntakeRules, Packet, PacketDecoder, PausableSocket } from "./intake-contract.ts";
import type { Holder } from "./ledger.ts";
import { costOf, createLimits, type Limits } from "./limits.ts";
import { Pace, type PacedReader } from "./pace.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Packet types of Socket.IO protocol 5. */
const CONNECT = 0;
const DISCONNECT = 1;
const EVENT = 2;
const ACK = 3;
const CONNECT_ERROR = 4;
const BINARY_EVENT = 5;
const BINARY_ACK = 6;

/** CONNECT packets that a connection may send at once, and their refill: entering and leaving is not free. */
const connectBurst = 8;
const connectsPerSecond = 0.2;
/** Longest name of a namespace that is repeated in an answer, characters. */
const longestName = 256;

/**
 * What one Engine.IO connection may say to Socket.IO. All of it passes here before Socket.IO sees it, at the pace that
 * the connection's limits allow; what is refused is answered here, and never costs the connection.
 *
 * Only `/signaling` can be entered, once at a time. Attachments are counted as the JSON names them.
 *
 * A class: each connection has one, and functions of its own would be most of its memory.
 */
export class SessionIntake implements PacedReader<string | Buffer>, Holder {
  readonly limits: Limits;
  readonly pace: Pace;
  readonly #connection: EngineConnection;
  readonly #decoder: PacketDecoder;
  readonly #rules: IntakeRules;
  readonly #connects = new TokenBucket(connectBurst, connectsPerSecond, performance.now());
  #state: "outside" | "entering" | "inside" = "outside";
  /** An event that waits for its attachments. */
  #partial:
    | { packet: Packet; textBytes: number; buffers: Buffer[]; bytes: number; take: (buffers: Buffer[]) => void }
    | undefined;
  /** Attachments to come of an event that was refused. */
  #skipped = 0;
  /** The WebSocket whose reading is paused. */
  #paused: PausableSocket | undefined;

  constructor(connection: EngineConnection, decoder: PacketDecoder, rules: IntakeRules) {
    this.#connection = connection;
    this.#decoder = decoder;
    this.#rules = rules;
    this.limits = createLimits(rules, connection.request);
    const { config, unfinished, turns } = rules;
    this.pace = new Pace(this, unfinished, { perSecond: config.EVENTS_PER_SECOND, turns, limits: this.limits });
  }

  handle(message: string | Buffer): void {
    if (typeof message === "string") this.#takeText(message);
    else this.#takeBinary(message);
  }
  pause(): void {
    const { socket } = this.#connection.transport;
    socket?.pause();
    this.#paused = socket;
  }
  resume(): void {
    this.#paused?.resume();
    this.#paused = undefined;
  }
  drop(): void {
    this.#paused?.terminate();
  }
  /** The connection is in the namespace now. */
  entered(): void {
    this.#state = "inside";
  }
  /** The connection is not in the namespace: it was refused, or has left. */
  left(): void {
    this.#state = "outside";
  }
  close(): void {
    this.#giveUpPartial();
    this.pace.close();
    this.limits.close();
  }
  /** Too much is unfinished in all, most of it here. */
  evict(): void {
    this.#rules.onOverflow(this.#connection);
  }

  /** The ack of a refused event, or an `error-report` if it requested no ack. */
  #refuse({ id, data }: { id?: number | undefined; data?: unknown }, code: ErrorCode, message: string): void {
    const name: unknown = Array.isArray(data) ? data[0] : undefined;
    const event = typeof name === "string" ? name.slice(0, 64) : "";
    this.#rules.onRefused(event, code);
    const body =
      id === undefined ? ["error-report", { event, code, message }] : [{ ok: false, error: { code, message } }];
    this.#connection.write(`${id === undefined ? EVENT : ACK}${NAMESPACE},${id ?? ""}${JSON.stringify(body)}`);
  }

  #costOf(message: string | Buffer): number {
    return costOf(message, this.#rules.config.MAX_EVENT_BYTES);
  }

  #tooFast(packet: { id?: number | undefined; data?: unknown }, cost: number): void {
    this.#refuse(packet, "rate-limited", this.limits.refusal());
    this.pace.refused("answered", cost);
  }

  #giveUpPartial(): void {
    this.#partial = undefined;
    this.#rules.unfinished.enter(this, 0);
  }

  #takeText(text: string): void {
    const cost = this.#costOf(text);
    this.pace.spent(cost);
    const isWithin = this.limits.take(cost);
    this.#skipped = 0;
    if (this.#partial !== undefined) {
      const { packet } = this.#partial;
      this.#giveUpPartial();
      this.#refuse(packet, "invalid", "the next packet came before its attachments");
    }
    const oversized = oversizedEvent(text, this.#rules.config.MAX_EVENT_BYTES);
    if (oversized !== undefined) {
      this.#skipped = oversized.attachments;
      if (isWithin)
        this.#refuse(oversized, "too-large", `an event may have ${this.#rules.config.MAX_EVENT_BYTES} bytes`);
      else this.#tooFast(oversized, cost);
      return;
    }
    let packet: Packet;
    try {
      packet = this.#decoder.decodeString(text);
    } catch {
      // Its sender is told that it is malformed; nothing else is known of it.
      if (isWithin) this.#refuse({}, "invalid", "a packet that cannot be read");
      else this.pace.refused("silent", cost);
      return;
    }
    if (packet.type === BINARY_EVENT || packet.type === BINARY_ACK) this.#skipped = packet.attachments ?? 0;
    if (packet.type === CONNECT) this.#takeConnect(packet, isWithin, cost);
    else if (packet.type === DISCONNECT && packet.nsp === NAMESPACE && this.#state === "inside") {
      this.#state = "outside";
      this.#decoder.emit("decoded", packet);
      // Socket.IO leaves in the next tick; a CONNECT behind it would find the namespace entered still.
      this.pace.holdForTick();
    } else if (packet.type !== EVENT && packet.type !== BINARY_EVENT) this.#ignore(isWithin, cost);
    else if (packet.nsp !== NAMESPACE || this.#state !== "inside") this.#takeLost(packet, isWithin, cost);
    else if (packet.id !== undefined && !Number.isSafeInteger(packet.id))
      this.#refuse({ data: packet.data }, "invalid", "an ack id must be a safe integer");
    else if (!isWithin) this.#tooFast(packet, cost);
    else if (packet.type === EVENT) this.#decoder.emit("decoded", packet);
    else this.#beginPartial(packet, text.length);
  }

  /** Unexpected acks, a server's error packets, and packets of a namespace that is not entered get no answer. */
  #ignore(isWithin: boolean, cost: number): void {
    this.#rules.onRefused("", "invalid");
    if (!isWithin) this.pace.refused("silent", cost);
  }

  /** An event for a namespace that the connection is not in. */
  #takeLost(packet: Packet, isWithin: boolean, cost: number): void {
    if (isWithin && packet.nsp === NAMESPACE) this.#refuse(packet, "invalid", `connect to ${NAMESPACE} first`);
    else this.#ignore(isWithin, cost);
  }

  #takeConnect(packet: Packet, isWithin: boolean, cost: number): void {
    const name = packet.nsp;
    const isWanted = name === NAMESPACE;
    // The CONNECT before it is answered, or was.
    if (!isWithin || (isWanted && this.#state !== "outside")) this.#ignore(isWithin, cost);
    else if (!this.#connects.take(performance.now())) {
      if (isWanted) this.#connectError(name, "rate-limited", "entered and left too often: wait 5 s");
      this.#ignore(false, cost);
    } else if (isWanted) {
      this.#state = "entering";
      this.#decoder.emit("decoded", packet);
    } else this.#connectError(name, "invalid", `Invalid namespace: connect to ${NAMESPACE}`);
  }

  #connectError(name: string, code: ErrorCode, message: string): void {
    this.#rules.onRefused("connect", code);
    const place = name === "/" ? "" : `${name.slice(0, longestName)},`;
    this.#connection.write(`${CONNECT_ERROR}${place}${JSON.stringify({ message, data: { code, message } })}`);
  }

  #beginPartial(packet: Packet, textBytes: number): void {
    const data = packet.data as unknown[];
    const declared = packet.attachments ?? 0;
    const named = findPlaceholders(data, declared);
    if ("refused" in named) {
      this.#refuse(packet, named.refused, named.message);
      return;
    }
    if (!this.limits.take(declared)) {
      this.#tooFast(packet, declared);
      return;
    }
    this.#skipped = 0;
    this.#partial = {
      packet,
      buffers: [],
      textBytes,
      bytes: 0,
      take(buffers) {
        for (const [at, { container, key }] of named.places.entries()) container[key] = buffers[at];
      },
    };
    this.#rules.unfinished.enter(this, textBytes);
  }

  #takeBinary(buffer: Buffer): void {
    const cost = this.#costOf(buffer);
    this.pace.spent(cost);
    if (this.#partial === undefined) {
      const isWithin = this.limits.take(cost);
      if (!isWithin) this.pace.refused("silent", cost);
      else if (this.#skipped === 0) this.#refuse({}, "invalid", "binary data that no event has announced");
      this.#skipped = Math.max(0, this.#skipped - 1);
      return;
    }
    const partial = this.#partial;
    const { packet, buffers } = partial;
    // A copy: a part of a read keeps the whole read in memory until the last attachment is there.
    buffers.push(Buffer.from(buffer));
    partial.bytes += buffer.length;
    if (partial.bytes > this.#rules.config.MAX_EVENT_BYTES) {
      this.#skipped = (packet.attachments ?? 0) - buffers.length;
      this.#giveUpPartial();
      this.#refuse(packet, "too-large", `an event may have ${this.#rules.config.MAX_EVENT_BYTES} bytes`);
      return;
    }
    this.#rules.unfinished.enter(this, partial.textBytes + partial.bytes);
    // If there is too much unfinished input, this connection may have been evicted by now.
    if (this.#partial !== partial || buffers.length < (packet.attachments ?? 0)) return;
    partial.take(buffers);
    this.#giveUpPartial();
    this.#decoder.emit("decoded", {
      type: EVENT,
      nsp: packet.nsp,
      data: packet.data,
      ...(packet.id === undefined ? {} : { id: packet.id }),
    });
  }
}
