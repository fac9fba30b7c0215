import type { Refused, RelayAck, RelayEvent, Signal } from "../../common/protocol.ts";
import { ackWithinMs } from "../connecting/connection.ts";
import type { SignalingSocket } from "../connecting/open-socket.ts";
import { endedAsTooLarge } from "../connecting/transport-limit.ts";
import { createOutbox, type Outgoing } from "./outbox.ts";
import { largestMessageBytes } from "./wire-size.ts";

/** Pause before a signal is sent again after `backplane-down` or `rate-limited`, ms. */
const resendAfterMs = 1_000;
/** A signal of at least this size (bytes) that alone ended this number of connections exceeds some limit on the way. */
const suspect = { bytes: 16_384, losses: 3 };

/** Sends each signal until it is acknowledged or refused for good, over any number of connections. */
export function createSender(options: {
  socket: SignalingSocket;
  /** True in the room, when signals may be sent. */
  joined: () => boolean;
  /** Largest transport message that the server accepts, bytes. */
  maxMessageBytes: () => number;
  /** True if the last connections were lost soon after their joins. */
  keepsFailing: () => boolean;
  /** No ack came in time, so the connection is dead. */
  onSilence: () => void;
  onEmitted: (emitted: { event: RelayEvent; signal: Signal; attempt: number }) => void;
}) {
  const { socket, joined } = options;
  const outbox = createOutbox();
  const resends = new Set<ReturnType<typeof setTimeout>>();
  let sent = 0;

  function flush(): void {
    if (joined() && socket.connected) for (const outgoing of outbox.take()) transmit(outgoing);
  }

  function transmit(outgoing: Outgoing): void {
    const { event, signal, bytes } = outgoing;
    const limit = options.maxMessageBytes();
    if (bytes > limit) {
      settle(outgoing, tooLarge(`${bytes} bytes on the wire; the server takes ${limit}`));
      return;
    }
    outgoing.attempts += 1;
    const { id: session } = socket;
    options.onEmitted({ event, signal, attempt: outgoing.attempts });
    socket.timeout(ackWithinMs).emit(event, signal, (late: Error | null, ack: RelayAck) => {
      // The socket is lost, so its timers do not count. The next join sends the signal again.
      if (socket.id !== session || !joined()) return;
      if (late !== null) options.onSilence();
      else if (ack.ok) {
        for (const away of ack.away ?? []) outbox.awaitPeer(away, outgoing);
        settle(outgoing, ack);
      } else if (ack.error.code === "backplane-down" || ack.error.code === "rate-limited") resendLater(outgoing);
      else if (ack.error.code !== "draining" && ack.error.code !== "overloaded") settle(outgoing, ack);
    });
  }

  function resendLater(outgoing: Outgoing): void {
    outbox.hold(outgoing);
    const timer = setTimeout(() => {
      resends.delete(timer);
      outbox.again(outgoing);
      flush();
    }, resendAfterMs);
    resends.add(timer);
  }

  function settle(outgoing: Outgoing, ack: RelayAck): void {
    if (!outbox.done(outgoing)) return;
    outgoing.settle(ack);
    flush();
  }

  return {
    flush,
    /** Resolves when the signal is acknowledged or refused for good. Never rejects. */
    send(event: RelayEvent, signal: Signal): Promise<RelayAck> {
      return new Promise((settled) => {
        let bytes: number;
        try {
          bytes = largestMessageBytes(event, signal);
        } catch (error) {
          settled({ ok: false, error: { code: "invalid", message: `cannot be written as JSON: ${error}` } });
          return;
        }
        sent += 1;
        const outgoing: Outgoing = { event, signal, bytes, order: sent, attempts: 0, lossesAlone: 0, settle: settled };
        if (outbox.add(outgoing)) flush();
        else settled({ ok: false, error: { code: "rate-limited", message: "too many signals wait to be sent" } });
      });
    },
    /**
     * The connection is lost. A signal that ends one connection after the other is refused. `details` come from
     * Socket.IO.
     */
    lost(details: unknown): void {
      const limited = endedAsTooLarge(details);
      const alone = outbox.lost(limited || options.keepsFailing());
      if (alone === null) return;
      const { bytes, lossesAlone } = alone;
      if (limited) settle(alone, tooLarge(`${bytes} bytes: the signal ended the connection`));
      else if (bytes >= suspect.bytes && lossesAlone >= suspect.losses)
        settle(alone, tooLarge(`${bytes} bytes: ${lossesAlone} connections were lost while it was sent`));
    },
    /** These peers are connected in the room. The signals that waited for them are sent. */
    peersAreBack(peerIds: readonly string[]): void {
      for (const peerId of peerIds) outbox.peerIsBack(peerId);
      flush();
    },
    /** The peer has left for good. Its waiting signals are dropped. */
    forget: outbox.forget,
    /** Settles all waiting signals. */
    end(refusal: Refused): void {
      for (const timer of resends) clearTimeout(timer);
      for (const outgoing of outbox.pending()) settle(outgoing, refusal);
    },
  };
}

const tooLarge = (message: string): Refused => ({ ok: false, error: { code: "too-large", message } });
