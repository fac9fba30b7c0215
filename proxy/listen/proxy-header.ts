import { isIPv4, isIPv6 } from "node:net";

/** What a PROXY header says of the connection. */
export interface ProxyHeader {
  /** Bytes that it takes. */
  size: number;
  /** Who connected to the balancer; undefined: the balancer itself (LOCAL), or nobody with an IP address. */
  source: { address: string; port: number } | undefined;
  /** The client came to the balancer by TLS (PP2_TYPE_SSL). */
  encrypted: boolean;
}

export type ReadHeader = ProxyHeader | "partial" | "malformed";

/** `\r\n\r\n\0\r\nQUIT\n`, the beginning of version 2. */
const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const v1Prefix = Buffer.from("PROXY ");
/** Longest version 1 header, CRLF included. */
const v1Limit = 107;
/** Longest version 2 header that is taken, behind its first 16 bytes: an address and some TLVs. */
const v2Limit = 4_096;
const v2Fixed = 16;
/** Address family and transport of version 2, with the bytes of addresses and ports. */
const families = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unixStream: 0x31 };
const addressBytes: ReadonlyMap<number, number> = new Map([
  [families.tcp4, 12],
  [families.tcp6, 36],
  [families.unixStream, 216],
]);
/** PP2_TYPE_SSL, and the bit in its first byte that says so (PP2_CLIENT_SSL). */
const tlsType = 0x20;
const cameByTls = 0x01;
/** PP2_TYPE_CRC32C: a checksum of the whole header, taken with this value as zero. */
const checksumType = 0x03;
/** CRC-32C's polynomial, its bits reversed (RFC 3720, 12.1). */
const castagnoli = 0x82f63b78;

/**
 * Reads the PROXY header at the front of `bytes` (HAProxy's proxy-protocol.txt, versions 1 and 2). Headers of datagrams
 * and unknown families are malformed here: this is a listener for streams.
 */
export function readProxyHeader(bytes: Buffer): ReadHeader {
  if (startsAs(bytes, signature)) return bytes.length < v2Fixed ? "partial" : readVersion2(bytes);
  if (startsAs(bytes, v1Prefix)) return readVersion1(bytes);
  return "malformed";
}

/** True while nothing contradicts that `bytes` begin with `beginning`. */
function startsAs(bytes: Buffer, beginning: Buffer): boolean {
  const size = Math.min(bytes.length, beginning.length);
  return bytes.compare(beginning, 0, size, 0, size) === 0;
}

const v1Line = /^PROXY TCP([46]) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45}) (\d{1,5}) (\d{1,5})$/;

function readVersion1(bytes: Buffer): ReadHeader {
  const end = bytes.subarray(0, v1Limit).indexOf("\r\n");
  if (end === -1) return bytes.length < v1Limit && !bytes.includes("\n") ? "partial" : "malformed";
  const line = bytes.toString("latin1", 0, end);
  const size = end + 2;
  if (line.includes("\n")) return "malformed";
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN "))
    return { size, source: undefined, encrypted: false };
  const [, family, source = "", destination = "", ...ports] = v1Line.exec(line) ?? [];
  const isAddress = family === "4" ? isIPv4 : isIPv6;
  const [port, toPort] = ports.map(portOf);
  if (!isAddress(source) || !isAddress(destination) || port === undefined || toPort === undefined) return "malformed";
  return { size, source: { address: source, port }, encrypted: false };
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return port <= 65_535 && String(port) === text ? port : undefined;
}

function readVersion2(bytes: Buffer): ReadHeader {
  const [versionAndCommand, family] = [bytes[12] as number, bytes[13] as number];
  const length = bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1 || length > v2Limit) return "malformed";
  const size = v2Fixed + length;
  const isUnspecified = command === 0 || family === families.unspecified;
  const needed = isUnspecified ? 0 : addressBytes.get(family);
  if (needed === undefined || needed > length) return "malformed";
  if (bytes.length < size) return "partial";
  if (isUnspecified) return { size, source: undefined, encrypted: false };
  const encrypted = readTlvs(bytes.subarray(0, size), v2Fixed + needed);
  if (encrypted === undefined) return "malformed";
  return { size, source: sourceIn(bytes.subarray(v2Fixed), family), encrypted };
}

function sourceIn(block: Buffer, family: number): ProxyHeader["source"] {
  if (family === families.tcp4) return { address: [...block.subarray(0, 4)].join("."), port: block.readUInt16BE(8) };
  if (family !== families.tcp6) return undefined;
  const words = Array.from({ length: 8 }, (_, index) => block.readUInt16BE(index * 2).toString(16));
  return { address: words.join(":"), port: block.readUInt16BE(32) };
}

/**
 * Whether the TLVs from `start` on say that the client came by TLS; undefined: they do not fill their room, or the
 * checksum is wrong.
 */
function readTlvs(header: Buffer, start: number): boolean | undefined {
  let encrypted = false;
  let at = start;
  while (at + 3 <= header.length) {
    const length = header.readUInt16BE(at + 1);
    const value = header.subarray(at + 3, at + 3 + length);
    if (value.length < length) return undefined;
    if (header[at] === tlsType && length > 0) encrypted = ((value[0] as number) & cameByTls) !== 0;
    if (header[at] === checksumType && (length !== 4 || value.readUInt32BE() !== checksumOf(header, at + 3)))
      return undefined;
    at += 3 + length;
  }
  return at === header.length ? encrypted : undefined;
}

/** CRC-32C of the header, with the four bytes at `place` as zero. */
function checksumOf(header: Buffer, place: number): number {
  let crc = 0xffffffff;
  for (const [index, byte] of header.entries()) {
    crc ^= index >= place && index < place + 4 ? 0 : byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? castagnoli : 0);
  }
  return ~crc >>> 0;
}
