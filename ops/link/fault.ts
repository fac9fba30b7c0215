import type { z } from "zod";

/** What faults do to a link; each fault says only what it changes. */
export interface Effect {
  /** Milliseconds that a chunk is held before it goes on; asked for each chunk. */
  holdMs?: () => number;
  /** Nothing moves in either direction until the fault is cleared; new connections hang. */
  frozen?: true;
}

/** One kind of fault: its settings, and the effect that they have. */
export interface Fault<S extends z.ZodType = z.ZodType> {
  settings: S;
  effect(settings: z.output<S>): Effect;
}
