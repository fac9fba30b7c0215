import type { ErrorCode } from "../../../common/protocol.ts";
import { NAMESPACE } from "../../../common/protocol-names.ts";
import type { Config } from "../config.ts";
import { findPlaceholders, oversizedEvent } from "./attachments.ts";
import type { Ledger } from "./ledger.ts";
import { costOf, createLimits } from "./limits.ts";
import { createPace } from "./pace.ts";
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

/** A packet as the parser reads its text. */
export interface Packet {
  type: number;
  nsp: string;
  id?: number;
  data?: unknown;
  attachments?: number;
}

/** What is used of an Engine.IO socket. */
interface EngineConnection {
  readonly transport: { readonly name: string; readonly socket?: { pause(): void; resume(): void } };
  write(data: string): unknown;
}

/**
 * What one Engine.IO connection may say to Socket.IO. All of it passes here before Socket.IO sees it, at the pace that
 * the connection's limits allow; what is refused is answered here, and never costs the connection.
 *
 * Only `/signaling` can be entered, once at a time. Attachments are counted as the JSON names them.
 */
export function createSessionIntake(options: {
  connection: EngineConnection;
  config: Config;
  /** What all connections hold that is unfinished. */
  unfinished: Ledger;
  /** Reads the text of a packet. @throws for what is none */
  decode: (text: string) => Packet;
  /** Hands a packet to Socket.IO. */
  emit: (packet: Packet) => void;
  onRefused: (event: string, code: ErrorCode) => void;
  /** Too much is unfinished in all, most of it here. */
  onOverflow: () => void;
}) {
  const { connection, config, decode, emit } = options;
  const limits = createLimits(config);
  const connects = new TokenBucket(connectBurst, connectsPerSecond, performance.now());
  let state: "outside" | "entering" | "inside" = "outside";
  /** An event that waits for its attachments. */
  let partial:
    | { packet: Packet; textBytes: number; buffers: Buffer[]; bytes: number; take: (buffers: Buffer[]) => void }
    | undefined;
  /** Attachments to come of an event that was refused. */
  let skipped = 0;
  const partialAccount = options.unfinished.open(options.onOverflow);
  /** The WebSocket whose reading is paused. */
  let paused: { resume(): void } | undefined;

  const pace = createPace<string | Buffer>({
    perSecond: config.EVENTS_PER_SECOND,
    handle: (message) => (typeof message === "string" ? takeText(message) : takeBinary(message)),
    pause() {
      const { socket } = connection.transport;
      socket?.pause();
      paused = socket;
    },
    resume() {
      paused?.resume();
      paused = undefined;
    },
    account: options.unfinished.open(options.onOverflow),
  });

  /** The ack of a refused event, or an `error-report` where it asked for none. */
  function refuse({ id, data }: { id?: number | undefined; data?: unknown }, code: ErrorCode, message: string): void {
    const name: unknown = Array.isArray(data) ? data[0] : undefined;
    const event = typeof name === "string" ? name.slice(0, 64) : "";
    options.onRefused(event, code);
    const body =
      id === undefined ? ["error-report", { event, code, message }] : [{ ok: false, error: { code, message } }];
    connection.write(`${id === undefined ? EVENT : ACK}${NAMESPACE},${id ?? ""}${JSON.stringify(body)}`);
  }

  function tooFast(packet: { id?: number | undefined; data?: unknown }, cost: number): void {
    refuse(packet, "rate-limited", `over ${config.EVENTS_PER_SECOND} events a second`);
    pace.refused("answered", cost);
  }

  function giveUpPartial(): void {
    partial = undefined;
    partialAccount.set(0);
  }

  function takeText(text: string): void {
    const cost = costOf(text);
    const isWithin = limits.take(cost);
    skipped = 0;
    if (partial !== undefined) {
      const { packet } = partial;
      giveUpPartial();
      refuse(packet, "invalid", "the next packet came before its attachments");
    }
    const oversized = oversizedEvent(text, config.MAX_EVENT_BYTES);
    if (oversized !== undefined) {
      skipped = oversized.attachments;
      if (isWithin) refuse(oversized, "too-large", `an event may have ${config.MAX_EVENT_BYTES} bytes`);
      else tooFast(oversized, cost);
      return;
    }
    let packet: Packet;
    try {
      packet = decode(text);
    } catch {
      // Its sender is told that it is malformed; nothing else is known of it.
      if (isWithin) refuse({}, "invalid", "a packet that cannot be read");
      else pace.refused("silent", cost);
      return;
    }
    if (packet.type === BINARY_EVENT || packet.type === BINARY_ACK) skipped = packet.attachments ?? 0;
    if (packet.type === CONNECT) takeConnect(packet, isWithin);
    else if (packet.type === DISCONNECT && packet.nsp === NAMESPACE && state === "inside") {
      state = "outside";
      emit(packet);
      // Socket.IO leaves in the next tick; a CONNECT behind it would find the namespace entered still.
      pace.holdForTick();
    } else if (packet.type !== EVENT && packet.type !== BINARY_EVENT) ignore(isWithin);
    else if (packet.nsp !== NAMESPACE || state !== "inside") takeLost(packet, isWithin);
    else if (packet.id !== undefined && !Number.isSafeInteger(packet.id))
      refuse({ data: packet.data }, "invalid", "an ack id must be a safe integer");
    else if (!isWithin) tooFast(packet, cost);
    else if (packet.type === EVENT) emit(packet);
    else beginPartial(packet, text.length);
  }

  /** Acks nobody waits for, errors that a server sends, a namespace that is not entered: nothing to say. */
  function ignore(isWithin: boolean): void {
    options.onRefused("", "invalid");
    if (!isWithin) pace.refused("silent");
  }

  /** An event for a namespace that the connection is not in. */
  function takeLost(packet: Packet, isWithin: boolean): void {
    if (isWithin && packet.nsp === NAMESPACE) refuse(packet, "invalid", `connect to ${NAMESPACE} first`);
    else ignore(isWithin);
  }

  function takeConnect(packet: Packet, isWithin: boolean): void {
    const name = packet.nsp;
    const isWanted = name === NAMESPACE;
    // The CONNECT before it is answered, or was.
    if (!isWithin || (isWanted && state !== "outside")) ignore(isWithin);
    else if (!connects.take(performance.now())) {
      if (isWanted) connectError(name, "rate-limited", "entered and left too often: wait 5 s");
      ignore(false);
    } else if (isWanted) {
      state = "entering";
      emit(packet);
    } else connectError(name, "invalid", `Invalid namespace: connect to ${NAMESPACE}`);
  }

  function connectError(name: string, code: ErrorCode, message: string): void {
    options.onRefused("connect", code);
    const place = name === "/" ? "" : `${name.slice(0, longestName)},`;
    connection.write(`${CONNECT_ERROR}${place}${JSON.stringify({ message, data: { code, message } })}`);
  }

  function beginPartial(packet: Packet, textBytes: number): void {
    const data = packet.data as unknown[];
    const declared = packet.attachments ?? 0;
    const named = findPlaceholders(data, declared);
    if ("refused" in named) {
      refuse(packet, named.refused, named.message);
      return;
    }
    if (!limits.take(declared)) {
      tooFast(packet, declared);
      return;
    }
    skipped = 0;
    partial = {
      packet,
      buffers: [],
      textBytes,
      bytes: 0,
      take(buffers) {
        for (const [at, { container, key }] of named.places.entries()) container[key] = buffers[at];
      },
    };
    partialAccount.set(textBytes);
  }

  function takeBinary(buffer: Buffer): void {
    if (partial === undefined) {
      const isWithin = limits.take(costOf(buffer));
      if (!isWithin) pace.refused("silent");
      else if (skipped === 0) refuse({}, "invalid", "binary data that no event has announced");
      skipped = Math.max(0, skipped - 1);
      return;
    }
    const { packet, buffers } = partial;
    // A copy: a part of a read keeps the whole read in memory until the last attachment is there.
    buffers.push(Buffer.from(buffer));
    partial.bytes += buffer.length;
    if (partial.bytes > config.MAX_EVENT_BYTES) {
      skipped = (packet.attachments ?? 0) - buffers.length;
      giveUpPartial();
      refuse(packet, "too-large", `an event may have ${config.MAX_EVENT_BYTES} bytes`);
      return;
    }
    partialAccount.set(partial.textBytes + partial.bytes);
    if (buffers.length < (packet.attachments ?? 0)) return;
    partial.take(buffers);
    giveUpPartial();
    emit({ type: EVENT, nsp: packet.nsp, data: packet.data, ...(packet.id === undefined ? {} : { id: packet.id }) });
  }

  return {
    limits,
    pace,
    /** The connection is in the namespace now. */
    entered(): void {
      state = "inside";
    },
    /** It is not, or not any more: it was refused, or has left. */
    left(): void {
      state = "outside";
    },
    close(): void {
      giveUpPartial();
      partialAccount.close();
      pace.close();
    },
  };
}

export type SessionIntake = ReturnType<typeof createSessionIntake>;
