import type { Provocation } from "./provocation.ts";

/** The provocation of the alert about the probe. The caller goes on, so that its webhook hears of it. */
export const probeProvocations: Readonly<Record<string, Provocation>> = {
  SignalingProbeAbsent: {
    how: "restarts the caller with no calls",
    begin: async ({ stack }) => void (await stack.engine.restart("caller", { CALLS: "0", PROBE_EVERY_MS: "0" })),
    end: async ({ stack }) => void (await stack.engine.restart("caller")),
    withinSeconds: 75,
  },
};
