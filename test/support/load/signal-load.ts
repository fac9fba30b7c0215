import type { RelayAck } from "../../../common/protocol.ts";
import type { SignalPeer } from "../signal-peer.ts";

/**
 * Numbered candidates from one peer to the room, `perSecond` of them, until stopped. Each contains its time of sending,
 * so that the receiver knows its age.
 */
export function startLoad(from: SignalPeer, to: SignalPeer, room: string, perSecond: number, stream: string) {
  const acks: RelayAck[] = [];
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond);
    for (; sent < due; sent += 1)
      from.send("candidate", { roomId: room, stream, number: sent, sentAt: Date.now() }).then(
        (ack) => acks.push(ack),
        () => acks.push({ ok: false, error: { code: "invalid", message: "no ack" } }),
      );
  }, 10);
  const received = () => to.events.filter(([event, data]) => event === "candidate" && data["stream"] === stream);
  return {
    acks,
    sent: () => sent,
    stop: () => clearInterval(timer),
    received,
    numbers: () => received().map(([, data]) => Number(data["number"])),
    /** Latencies in ms, ascending. */
    latencies: () =>
      received()
        .map(([, data, at]) => at - Number(data["sentAt"]))
        .sort((a, b) => a - b),
    refusals: () => acks.flatMap((ack) => (ack.ok ? [] : [ack.error.code])),
  };
}

export type Load = ReturnType<typeof startLoad>;

/** The quantile `share` of ascending numbers; 0 without numbers. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0;
}
