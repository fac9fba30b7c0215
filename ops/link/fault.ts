import type { z } from "zod";

/** Effects on a link. A fault sets only the ones that it changes. */
export interface Effect {
  /** Delay of a chunk, ms. Called for each chunk. */
  holdMs?: () => number;
  /** No data moves in either direction until the fault is cleared. New connections hang. */
  frozen?: true;
}

/** One kind of fault: its settings, and their effect. */
export interface Fault<S extends z.ZodType = z.ZodType> {
  settings: S;
  effect(settings: z.output<S>): Effect;
}
