import { blackHole } from "./black-hole.ts";
import type { Fault } from "./fault.ts";
import { latency } from "./latency.ts";

/** Every fault by the name that the admin endpoint knows it by. */
export const faults: Readonly<Record<string, Fault>> = { latency, "black-hole": blackHole };
