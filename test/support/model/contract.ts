/** A fault is noticed within this time; until then what was in transit may be lost, ms. */
const noticedMs = 2_500;
/** Longest way of a signal: what is older is dropped, ms. */
const arrivesMs = 1_000;

/** A client's end of one connection. */
export interface Connected {
  /** When it ended by the client's own doing, by a kill, or because the client is elsewhere, ms. */
  leftAt: number;
  /** What the client was sent, in order. */
  readonly got: readonly (readonly [event: string, data: Record<string, unknown>, ...rest: unknown[]])[];
}

/** A signal, and whom the contract promises it to. */
export interface Sent {
  /** ms. */
  at: number;
  number: number;
  /** Replica of the sender, by its place. */
  sender: number;
  /** Members of the room that were settled and connected when it was sent. */
  addressees: { member: Connected; peerId: string; replica: number }[];
  ack?: { ok: boolean; away?: string[] };
}

/** Keeps what was promised and which faults excuse what; ms of `performance.now()`. */
export function createContract() {
  const sent: Sent[] = [];
  /** When a replica was out of touch with the others, and until when that excuses. */
  const faults: { index: number; from: number; to: number; excusedTo: number }[] = [];
  const now = () => performance.now();

  return {
    send(sender: number, addressees: Sent["addressees"]): Sent {
      const record: Sent = { at: now(), number: sent.length, sender, addressees };
      sent.push(record);
      return record;
    },
    /** What it said last may be lost; nobody listens there any more. */
    killed(index: number): void {
      this.mended(index);
      faults.push({ index, from: now(), to: now(), excusedTo: now() });
    },
    /** It hears and reaches nobody. */
    cut(index: number): void {
      faults.push({ index, from: now(), to: Number.POSITIVE_INFINITY, excusedTo: Number.POSITIVE_INFINITY });
    },
    mended(index: number): void {
      for (const fault of faults)
        if (fault.index === index && fault.to === Number.POSITIVE_INFINITY)
          Object.assign(fault, { to: now(), excusedTo: now() + noticedMs });
    },
    /** Signals that were acknowledged, one for each addressee on another replica. */
    across: () =>
      sent
        .filter(({ ack }) => ack?.ok === true)
        .flatMap(({ sender, addressees }) => addressees.filter(({ replica }) => replica !== sender)).length,
    /** What the contract was broken by; empty when it was kept. */
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
