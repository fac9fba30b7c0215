/** True for a replica's id: `signaling-2`. */
export function isReplica(id: string): boolean {
  return /^signaling-\d+$/.test(id);
}

/** The ids of `n` replicas, from `signaling-1`; on Kubernetes, after their pods, from `signaling-0`. */
export function replicaIds(n: number, first = 1): string[] {
  return Array.from({ length: n }, (_, index) => `signaling-${index + first}`);
}

/** `2` of `signaling-2`. */
export function replicaNumber(id: string): string {
  return id.slice(id.lastIndexOf("-") + 1);
}
