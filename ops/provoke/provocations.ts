import { backplaneProvocations } from "./backplane.ts";
import { probeProvocations } from "./probe.ts";
import type { Provocation } from "./provocation.ts";
import { proxyProvocations } from "./proxy.ts";
import { replicaProvocations } from "./replicas.ts";

/** How each alert is raised, by its name. */
export const provocations: Readonly<Record<string, Provocation>> = {
  ...replicaProvocations,
  ...proxyProvocations,
  ...backplaneProvocations,
  ...probeProvocations,
};
