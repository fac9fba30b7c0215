import type { Config } from "../config.ts";
import { createTokenBucket } from "./token-bucket.ts";

/** An event costs a token, and one more for each of these that it has begun beyond the first, bytes. */
const bytesAToken = 16_384;

/** What one connection may do in how much time, whatever namespaces or rooms it enters and leaves. */
export function createLimits(config: Config) {
  const now = performance.now();
  const events = createTokenBucket(config.EVENT_BURST, config.EVENTS_PER_SECOND, now);
  const changes = createTokenBucket(config.JOIN_BURST, config.JOINS_PER_SECOND, now);
  return {
    /** Takes what a message of that size costs, and each of its attachments; false when there is too little. */
    take: (bytes: number, attachments = 0): boolean =>
      events.take(performance.now(), 1 + Math.floor(bytes / bytesAToken) + attachments),
    /** Takes what a change of membership costs: all replicas are told of it. */
    takeChange: (): boolean => changes.take(performance.now()),
  };
}

export type Limits = ReturnType<typeof createLimits>;
