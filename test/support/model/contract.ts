/** A fault is noticed within this time, ms. Until then signals in transit may be lost. */
const noticedMs = 2_500;
/** Longest transit of a signal, ms. Older signals are dropped. */
const arrivesMs = 1_000;

/** A client's end of one connection. */
export interface Connected {
  /** When it ended, ms: by the client, by a kill, or because the client connected to another replica. */
  leftAt: number;
  /** The events sent to the client, in order. */
  readonly got: readonly (readonly [event: string, data: Record<string, unknown>, ...rest: unknown[]])[];
}

/** A signal, and the members to whom the contract promises it. */
export interface Sent {
  /** ms. */
  at: number;
  number: number;
  /** Index of the sender's replica. */
  sender: number;
  /** Members of the room that were settled and connected when it was sent. */
  addressees: { member: Connected; peerId: string; replica: number }[];
  ack?: { ok: boolean; away?: string[] };
}

/** Records promises and the faults that excuse them; times are ms of `performance.now()`. */
export function createContract() {
  const sent: Sent[] = [];
  /** When a replica was partitioned from the others, and the end of the excuse. */
  const faults: { index: number; from: number; to: number; excusedTo: number }[] = [];
  const now = () => performance.now();

  return {
    send(sender: number, addressees: Sent["addressees"]): Sent {
      const record: Sent = { at: now(), number: sent.length, sender, addressees };
      sent.push(record);
      return record;
    },
    /** The replica ended: its last messages may be lost, and it receives no more. */
    killed(index: number): void {
      this.mended(index);
      faults.push({ index, from: now(), to: now(), excusedTo: now() });
    },
    /** The replica is partitioned: it neither receives nor sends. */
    cut(index: number): void {
      faults.push({ index, from: now(), to: Number.POSITIVE_INFINITY, excusedTo: Number.POSITIVE_INFINITY });
    },
    mended(index: number): void {
      for (const fault of faults)
        if (fault.index === index && fault.to === Number.POSITIVE_INFINITY)
          Object.assign(fault, { to: now(), excusedTo: now() + noticedMs });
    },
    /** Number of acknowledged signals, one for each addressee on another replica. */
    across: () =>
      sent
        .filter(({ ack }) => ack?.ok === true)
        .flatMap(({ sender, addressees }) => addressees.filter(({ replica }) => replica !== sender)).length,
    /** The violations of the contract; empty if it held. */
    broken(): string[] {
      const troubled = (index: number, at: number) =>
        faults.some((fault) => fault.index === index && at >= fault.from - arrivesMs && at <= fault.excusedTo);
      const problems: string[] = [];
      for (const { at, number, sender, addressees, ack } of sent) {
        if (ack?.ok !== true) continue;
        for (const { member, peerId, replica } of addressees) {
          const count = member.got.filter(([event, data]) => event === "candidate" && data["number"] === number).length;
          const name = `signal ${number} of ${Math.round(at)} ms from signaling-${sender + 1} to ${peerId} on signaling-${replica + 1}`;
          if (count > 1) problems.push(`${name}: ${count} times`);
          if (count > 0 || ack.away?.includes(peerId) === true) continue;
          if (member.leftAt <= at + arrivesMs) continue;
          if (sender !== replica && (troubled(sender, at) || troubled(replica, at))) continue;
          problems.push(`${name}: acknowledged and lost`);
        }
      }
      return problems;
    },
  };
}
