import { hash } from "node:crypto";

/** Hashes of replica ids by secret and id: there are few. */
const idHashes = new Map<string, number>();
/** Replicas may be named anew for ever; so many names are remembered. */
const rememberedIds = 1_024;

/**
 * Replica ids in preference order for `key`: rendezvous (highest random weight) hashing, Thaler & Ravishankar 1998.
 * Removing one of N ids moves only the keys that it ranked first for; adding one takes about 1/N of them. Key and ids
 * are hashed by SHA-256; the weight of a pair mixes the two hashes.
 *
 * @param secret keys the hash, so that nobody outside can compute which cookie leads to which replica
 */
export function rank(key: string, replicaIds: readonly string[], secret: string): string[] {
  const keyHash = hash32(`${secret}\0key\0${key}`);
  const weights = new Map<string, number>();
  for (const id of replicaIds) weights.set(id, mix(keyHash ^ idHash(id, secret)));
  return [...replicaIds].sort((a, b) => {
    const difference = (weights.get(b) as number) - (weights.get(a) as number);
    return difference === 0 ? (a < b ? -1 : 1) : difference;
  });
}

function idHash(id: string, secret: string): number {
  const named = `${secret}\0id\0${id}`;
  const known = idHashes.get(named);
  if (known !== undefined) return known;
  if (idHashes.size >= rememberedIds) idHashes.clear();
  const fresh = hash32(named);
  idHashes.set(named, fresh);
  return fresh;
}

function hash32(text: string): number {
  return Number.parseInt(hash("sha256", text, "hex").slice(0, 8), 16) | 0;
}

/** Spreads 32 bits over 32 bits, one to one: the finalizer of MurmurHash3 (Austin Appleby). */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
