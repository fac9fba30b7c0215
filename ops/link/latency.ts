import { z } from "zod";
import type { Fault } from "./fault.ts";

const settings = z.strictObject({
  latencyMs: z.number().min(0).max(60_000),
  jitterMs: z.number().min(0).max(60_000).default(0),
});

/** Holds each chunk for `latencyMs ± jitterMs`, evenly spread, in each direction; order is kept. */
export const latency: Fault<typeof settings> = {
  settings,
  effect: ({ latencyMs, jitterMs }) => ({
    holdMs: () => Math.max(0, latencyMs + (Math.random() * 2 - 1) * jitterMs),
  }),
};
