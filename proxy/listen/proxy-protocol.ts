import { createServer, type Server, type Socket } from "node:net";
import { type AddressSet, canonicalAddress } from "../../common/http/client-address.ts";
import type { Log } from "../../common/log.ts";
import type { Metrics } from "../metrics.ts";
import { destroyIt } from "./first-bytes.ts";
import { type ProxyHeader, type ReadHeader, readProxyHeader } from "./proxy-header.ts";

/** First byte of a TLS handshake record (RFC 8446, 5.1); no HTTP request begins with it. */
const tlsHandshake = 0x16;

const refusals = {
  "proxy-protocol-from": "a connection from an address that is not in PROXY_PROTOCOL_FROM",
  "proxy-protocol-header": "a connection without a well-formed PROXY header: its balancer must send one (v1 or v2)",
  "proxy-protocol-timeout": "a connection whose PROXY header did not come in time",
} as const;

/**
 * A listener that demands a PROXY header (v1 or v2) and takes it from trusted addresses alone. Behind the header the
 * connection is one of the public listeners': TLS where it begins with a TLS handshake and there is one, else plain.
 * What has no header is cut without an answer.
 */
export function createProxyProtocolServer(options: {
  from: AddressSet;
  timeoutMs: number;
  maxConnections: number;
  plain: Server;
  tls: Server | undefined;
  metrics: Metrics;
  log: Log;
}) {
  const { from, timeoutMs, plain, tls, metrics, log } = options;
  /** Clients of connections that go on by TLS, by what the balancer's side of the connection is called. */
  const clients = new Map<string, ProxyHeader>();
  const told = new Set<string>();
  /** Connections whose header is not complete. */
  const waiting = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  server.maxConnections = options.maxConnections;
  server.on("drop", () => metrics.rejected.inc("connections-dropped"));
  // A TLS socket asks the system for its peer again.
  tls?.prependListener("secureConnection", (socket: Socket) => {
    const header = clients.get(nameOf(socket));
    if (header !== undefined) rename(socket, header);
  });

  function refuse(socket: Socket, reason: keyof typeof refusals): void {
    metrics.rejected.inc(reason);
    if (!told.has(reason))
      log.warn({ address: socket.remoteAddress }, `PROXY_PROTOCOL_PORT refuses ${refusals[reason]}`);
    told.add(reason);
    socket.destroy();
  }

  function accept(socket: Socket): void {
    socket.on("error", destroyIt);
    if (!from(socket.remoteAddress ?? "")) {
      refuse(socket, "proxy-protocol-from");
      return;
    }
    waiting.add(socket);
    const timer = setTimeout(() => giveUp("proxy-protocol-timeout"), timeoutMs);
    let bytes: Buffer = Buffer.alloc(0);
    let isComplete = false;
    const settle = () => {
      clearTimeout(timer);
      waiting.delete(socket);
      socket.off("data", onData).off("end", onEnd).off("close", settle);
    };
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header === "partial") return;
      // What follows the header says whether it is TLS. Without TLS nobody need wait.
      isComplete = header !== "malformed" && bytes.length === header.size;
      if (isComplete && tls !== undefined) return;
      settle();
      handOn(socket, header, bytes);
    };
    const giveUp = (reason: keyof typeof refusals) => (isComplete ? socket.destroy() : refuse(socket, reason));
    // A balancer's check that a port is open sends nothing.
    const onEnd = () => (bytes.length === 0 ? socket.destroy() : giveUp("proxy-protocol-header"));
    socket.on("data", onData).on("end", onEnd).on("close", settle);
  }

  function handOn(socket: Socket, header: Exclude<ReadHeader, "partial">, bytes: Buffer): void {
    if (header === "malformed") {
      refuse(socket, "proxy-protocol-header");
      return;
    }
    socket.pause();
    const rest = bytes.subarray(header.size);
    if (rest.length > 0) socket.unshift(rest);
    if (tls !== undefined && rest[0] === tlsHandshake) {
      const name = nameOf(socket);
      clients.set(name, header);
      socket.once("close", () => clients.delete(name));
      rename(socket, header);
      tls.emit("connection", socket);
    } else {
      rename(socket, header);
      plain.emit("connection", socket);
    }
    socket.resume();
  }

  return {
    server,
    /** Cuts the connections whose header is not complete. */
    closeWaiting(): void {
      for (const socket of waiting) socket.destroy();
    },
  };
}

const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

/** From here on the socket names the client as its peer, for limits, logs and the replica. */
function rename(socket: Socket, { source, encrypted }: ProxyHeader): void {
  if (encrypted) Object.defineProperty(socket, "encrypted", { value: true });
  if (source === undefined) return;
  Object.defineProperties(socket, {
    remoteAddress: { value: canonicalAddress(source.address) ?? source.address },
    remotePort: { value: source.port },
  });
}
