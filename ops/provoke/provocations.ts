import { backplaneProvocations } from "./backplane.ts";
import type { Provocation } from "./provocation.ts";
import { proxyProvocations } from "./proxy.ts";
import { replicaProvocations } from "./replicas.ts";

/** The caller keeps running, so that its webhook still gets the alert. */
const probeProvocations: Readonly<Record<string, Provocation>> = {
  SignalingProbeAbsent: {
    how: "restarts the caller with no calls",
    begin: async ({ stack }) => void (await stack.engine.restart("caller", { CALLS: "0", PROBE_EVERY_MS: "0" })),
    end: async ({ stack }) => void (await stack.engine.restart("caller")),
    withinSeconds: 75,
  },
};

/** How each alert is raised, by its name. */
export const provocations: Readonly<Record<string, Provocation>> = {
  ...replicaProvocations,
  ...proxyProvocations,
  ...backplaneProvocations,
  ...probeProvocations,
};
