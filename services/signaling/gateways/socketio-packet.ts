import type { RelayEvent } from "../../../common/protocol.ts";
import { NAMESPACE, RELAYED } from "../../../common/protocol-names.ts";

/** A relay in the form in which sockets take it. */
export interface SocketIoPacket {
  /** One WebSocket text frame, unmasked (RFC 6455 section 5.2): Engine.IO's `4` and the Socket.IO packet. */
  frame: Buffer;
  /** Start of the text in the frame. */
  textAt: number;
  /** Binary parts, each a message of its own. */
  attachments: readonly Buffer[];
}

/** The addressees of a packet on the receiving replica. */
export interface Address {
  /** A room id, or a peer id. */
  target: string;
  isPeer: boolean;
  /** Peers that do not get it. */
  skip: readonly string[];
}

/** One byte for the kind of message, two for the length of the address. */
const headBytes = 3;
/** FIN and opcode 1, text. */
const textFrame = 0x81;
/** EVENT, or BINARY_EVENT with its number of attachments, in Socket.IO protocol 5, behind Engine.IO's MESSAGE. */
const form = new RegExp(`^4(?:2|5(\\d{1,4})-)${NAMESPACE},\\["(?:${RELAYED.join("|")})",`);
const longestForm = 64;

interface Encoder {
  encode(packet: { type: number; nsp: string; data: unknown[] }): (string | Buffer)[];
}

/** Encodes a relay once, for all who get it. */
export function encodePacket(encoder: Encoder, event: RelayEvent, signal: unknown): SocketIoPacket {
  const [text, ...attachments] = encoder.encode({ type: 2, nsp: NAMESPACE, data: [event, signal] });
  const bytes = Buffer.byteLength(text as string) + 1;
  const textAt = textAtOf(bytes);
  const frame = Buffer.allocUnsafe(textAt + bytes);
  frame[0] = textFrame;
  if (textAt === 2) frame[1] = bytes;
  else if (textAt === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt16BE(0, 2);
    frame.writeUIntBE(bytes, 4, 6);
  }
  frame.write(`4${text as string}`, textAt);
  return { frame, textAt, attachments: attachments as Buffer[] };
}

/** Length of the header of a frame with this number of bytes. */
const textAtOf = (bytes: number): number => (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);

/** The packet and its address as one message; its first byte is free. */
export function writeAddressed({ target, isPeer, skip }: Address, { frame, attachments }: SocketIoPacket): Buffer {
  const lengths = attachments.map(({ length }) => length);
  const address = JSON.stringify([target, isPeer, skip, lengths]);
  const addressBytes = Buffer.byteLength(address);
  const total = headBytes + addressBytes + frame.length + lengths.reduce((sum, length) => sum + length, 0);
  const message = Buffer.allocUnsafe(total);
  message.writeUInt16BE(addressBytes, 1);
  let at = headBytes + message.write(address, headBytes);
  for (const part of [frame, ...attachments]) at += part.copy(message, at);
  return message;
}

/**
 * Reads what `writeAddressed` wrote. A client closes its connection on an invalid frame or packet, so the header, the
 * beginning and the number of parts are checked.
 *
 * @throws TypeError, RangeError or SyntaxError if it is malformed
 */
export function readAddressed(message: Buffer): { address: Address; packet: SocketIoPacket } {
  const frameAt = headBytes + message.readUInt16BE(1);
  const [target, isPeer, skip, lengths] = JSON.parse(message.toString("utf8", headBytes, frameAt)) as unknown[];
  if (typeof target !== "string" || !Array.isArray(skip) || !isLengths(lengths))
    throw new TypeError("no address of a relay");
  let at = message.length - lengths.reduce((sum, length) => sum + length, 0);
  // Copies the parts: a part of a read keeps the whole read in memory until a slow consumer has taken it.
  const frame = Buffer.from(message.subarray(frameAt, Math.max(at, frameAt)));
  const textAt = frame[1] === 127 ? 10 : frame[1] === 126 ? 4 : 2;
  const bytes = frame.length - textAt;
  const stated = textAt === 10 ? frame.readUIntBE(4, 6) : textAt === 4 ? frame.readUInt16BE(2) : frame[1];
  const start = form.exec(frame.toString("latin1", textAt, textAt + longestForm));
  if (frame[0] !== textFrame || stated !== bytes || start === null || Number(start[1] ?? 0) !== lengths.length)
    throw new TypeError("a relay that is no packet of ours");
  const attachments = lengths.map((length) => {
    at += length;
    return Buffer.from(message.subarray(at - length, at));
  });
  return { address: { target, isPeer: isPeer === true, skip }, packet: { frame, textAt, attachments } };
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}
