/** What the machine did between two ticks of the control. All processor time is in cores. */
export interface Sample {
  /** Begin and end, ms since the epoch. */
  from: number;
  until: number;
  /** By how much its tick came late, ms. */
  lateMs: number;
  /** Processor time of the stack, its peers, the attack and the suite. */
  own: number;
  /** That of all other programs and of the kernel's own threads, and what the hypervisor gave to other machines. */
  others: number;
  idle: number;
}

export type Order = { kind: "watch"; pids: number[] } | { kind: "report"; since: number };
export type Told = { kind: "ready" } | { kind: "report"; samples: Sample[] };
