import { createHmac } from "node:crypto";
import type { IceServer } from "../../../common/protocol.ts";

/** TURN credentials are good this long, s: longer than any call. */
const validS = 24 * 3600;

/**
 * The ICE servers of a join ack. TURN gets time-limited credentials by the shared secret
 * (draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`); STUN needs none.
 *
 * @param urls `turn:`, `turns:` and `stun:` URLs
 * @param now epoch ms
 */
export function iceServersFor(
  peerId: string,
  urls: readonly string[],
  secret: string | undefined,
  now: number,
): IceServer[] {
  const stun = urls.filter((url) => url.startsWith("stun"));
  const turn = urls.filter((url) => url.startsWith("turn"));
  const servers: IceServer[] = stun.length > 0 ? [{ urls: stun }] : [];
  if (turn.length > 0 && secret !== undefined) {
    const username = `${Math.floor(now / 1000) + validS}:${peerId}`;
    servers.push({ urls: turn, username, credential: createHmac("sha1", secret).update(username).digest("base64") });
  }
  return servers;
}
