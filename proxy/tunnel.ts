import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Sink } from "./handshake.ts";
import type { CarriedTunnel } from "./replica-table.ts";

/** Reads up to this size are passed on as latin1 strings: lossless, and written without a Buffer being made. */
const stringLimit = 4_096;
/** Longest life of a tunnel of which one side has ended, ms. */
const halfClosedMs = 10_000;

export interface TunnelOptions {
  client: Duplex & Pick<Socket, "bytesRead" | "bytesWritten">;
  replica: Socket;
  /** Of the replica's socket: it is given the client. */
  sink: Sink;
  sid: string | undefined;
  idleMs: number;
  /** Called once, when both sockets are gone. */
  onClosed(reason: string, bytes: { in: number; out: number }): void;
}

/**
 * Hands one read of the shared buffer on to `to`. The bytes are copied out before this returns: `buffer` is
 * overwritten by the next read of any tunnel. Returns false when `to` has had enough for now.
 */
export function passOn(to: Duplex, size: number, buffer: Uint8Array): boolean {
  if (size <= stringLimit) return to.write((buffer as Buffer).toString("latin1", 0, size), "latin1");
  return to.write(Buffer.from(buffer.subarray(0, size)));
}

/**
 * Owns the two sockets of a relayed WebSocket as a pair: each side's end is passed on to the other, an error or close
 * of one destroys the other once what was sent to it is flushed, and neither is read faster than the other is written.
 *
 *     client ──data──▶ replica.write            full: pause the client until the replica drains
 *     client.write ◀──onread── replica          full: stop reading the replica until the client drains
 *
 * Bytes are counted by the sockets themselves, and idleness is seen by the sweep: nothing is done per message here.
 */
export function createTunnel({ client, replica, sink, sid, idleMs, onClosed }: TunnelOptions): CarriedTunnel {
  let reason: string | undefined;
  let open = 2;
  let seenBytes = 0;
  let seenAt = performance.now();
  let halfClosedAt: number | undefined;

  const bytes = () => ({ in: client.bytesRead, out: client.bytesWritten });

  function destroy(why: string): void {
    reason ??= why;
    client.destroy();
    replica.destroy();
  }
  function ended(other: Duplex, why: string): void {
    reason ??= why;
    halfClosedAt ??= performance.now();
    other.end();
  }
  function closed(other: Duplex, failed: boolean, why: string): void {
    reason ??= why;
    if (failed) other.destroy();
    else if (!other.writableEnded) ended(other, why);
    open -= 1;
    if (open === 0) onClosed(reason, bytes());
  }

  sink.take = (size, buffer) => passOn(client, size, buffer);
  client.on("data", (chunk: Buffer) => {
    if (!replica.write(chunk)) client.pause();
  });
  replica.on("drain", () => client.resume());
  client.on("drain", () => replica.resume());
  client.on("end", () => ended(replica, "client-closed"));
  replica.on("end", () => ended(client, "replica-closed"));
  client.on("error", () => destroy("client-error"));
  replica.on("error", () => destroy("replica-error"));
  client.on("close", () => closed(replica, client.errored !== null, "client-closed"));
  replica.on("close", () => {
    closed(client, replica.errored !== null, "replica-closed");
    client.resume();
  });

  return {
    sid,
    get closing() {
      return reason !== undefined;
    },
    destroy,
    bytes,
    sweep(nowMs) {
      const sum = client.bytesRead + client.bytesWritten;
      if (sum !== seenBytes) {
        seenBytes = sum;
        seenAt = nowMs;
      }
      if (halfClosedAt !== undefined && nowMs - halfClosedAt > halfClosedMs) destroy(reason ?? "half-closed");
      else if (nowMs - seenAt > idleMs) destroy("idle");
    },
  };
}
