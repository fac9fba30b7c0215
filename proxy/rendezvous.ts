import { createHmac } from "node:crypto";

/**
 * Replica ids in preference order for `key`: rendezvous (highest random weight) hashing, Thaler & Ravishankar 1998.
 * Removing one of N ids moves only the keys that it ranked first for; adding one takes about 1/N of them.
 *
 * @param secret keys the hash, so that nobody outside can compute which cookie leads to which replica
 */
export function rank(key: string, replicaIds: readonly string[], secret: string): string[] {
  return replicaIds
    .map((id) => ({ id, weight: createHmac("sha256", secret).update(`${key}\0${id}`).digest().readUIntBE(0, 6) }))
    .sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}
