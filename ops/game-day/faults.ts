/** A fault that a game day can hide, with the runbook of the model answer. */
export interface Fault {
  level: number;
  action: "kill" | "pause" | "partition" | "slow";
  target: string;
  runbook: string;
}

const faults = [
  { level: 1, action: "kill", target: "signaling", runbook: "SignalingReplicaDown" },
  { level: 1, action: "kill", target: "redis", runbook: "RedisDown" },
  { level: 2, action: "pause", target: "signaling", runbook: "ProxyEjections" },
  { level: 2, action: "pause", target: "redis", runbook: "SignalingBackplaneDown" },
  { level: 3, action: "partition", target: "signaling", runbook: "SignalingBackplanePartitioned" },
  { level: 3, action: "slow", target: "redis", runbook: "SignalingRelaySlow" },
] as const;

/**
 * The fault of a seed and a level (1 to 3; a level includes the lower ones). The same seed always gives the same fault.
 */
export function faultOf(seed: number, level: number): Fault {
  const hidden = faults.filter((fault) => fault.level <= Math.min(3, Math.max(1, level)));
  const drawn = hidden[seed % hidden.length] ?? faults[0];
  return { ...drawn, target: drawn.target === "signaling" ? `signaling-${(seed % 3) + 1}` : drawn.target };
}
