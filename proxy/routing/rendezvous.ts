import { hash } from "node:crypto";

/** 32 bits of a text, keyed. */
type KeyedHash = (text: string) => number;

/** The keyed hash of each secret: a proxy has one. */
const keyed = new Map<string, KeyedHash>();

/**
 * Replica ids in preference order for `key`: rendezvous (highest random weight) hashing, Thaler & Ravishankar 1998.
 * Removing one of N ids moves only the keys that it ranked first for; adding one takes about 1/N of them. The weight of
 * a pair mixes the hashes of both.
 *
 * @param secret keys the hash; without it the replica of a cookie cannot be computed
 */
export function rank(key: string, replicaIds: readonly string[], secret: string): string[] {
  const hashed = hashOf(secret);
  const keyHash = hashed(key);
  const ranked: { id: string; weight: number }[] = [];
  for (const id of replicaIds) ranked.push({ id, weight: mix(keyHash ^ hashed(id)) >>> 0 });
  ranked.sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1));
  return ranked.map(({ id }) => id);
}

/**
 * MurmurHash3 (x86, 32 bits; Austin Appleby) over UTF-16 units, seeded with 32 bits and ended with 32 more of the
 * secret.
 */
function hashOf(secret: string): KeyedHash {
  const known = keyed.get(secret);
  if (known !== undefined) return known;
  const digest = hash("sha256", secret, "buffer");
  const [seed, end] = [digest.readInt32LE(0), digest.readInt32LE(4)];
  const fresh: KeyedHash = (text) => {
    let state = seed;
    for (let at = 0; at < text.length; at++) {
      let unit = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
      unit = (unit << 15) | (unit >>> 17);
      state ^= Math.imul(unit, 0x1b873593);
      state = (state << 13) | (state >>> 19);
      state = (Math.imul(state, 5) + 0xe6546b64) | 0;
    }
    return mix(state ^ text.length ^ end);
  };
  keyed.set(secret, fresh);
  return fresh;
}

/** Spreads 32 bits over 32 bits, one to one: the finalizer of MurmurHash3. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
