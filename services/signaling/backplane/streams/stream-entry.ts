import { randomBytes } from "node:crypto";
import { type Envelope, maxTransitMs, type Rejection } from "../envelope.ts";
import { createReplayGuard } from "../replay-window.ts";

export type Fields = Record<string, string>;
export interface Entry {
  id: string;
  fields: Fields;
}

/** The purpose in the MAC of an entry. */
const place = "stream";

/**
 * What makes entries of the stream ours: the fields `by` (the process that appended it), `number` (its count), `at`
 * (epoch ms) and `mac` over all the others.
 */
export function createEntrySeal(envelope: Envelope) {
  const self = randomBytes(9).toString("base64url");
  const replays = createReplayGuard(maxTransitMs);
  let count = 0;

  const isOwn = (fields: Fields): boolean => fields["by"] === self;

  /** By the order of its fields: Redis keeps it. */
  function isGenuine({ mac = "", ...fields }: Fields): boolean {
    return envelope.isSigned(place, Object.entries(fields).flat(), mac);
  }

  return {
    isOwn,
    isGenuine,
    /** Seals what is appended now. */
    seal(fields: Fields, now: number): Fields & { number: string } {
      count += 1;
      const stamped = { ...fields, by: self, number: String(count), at: String(now) };
      return { ...stamped, mac: envelope.sign(place, Object.entries(stamped).flat()) };
    },
    /**
     * How long an entry that is read at `now` was on its way, ms, or why it is not delivered. Own ones are never late.
     */
    read(fields: Fields, now: number): { transitMs: number } | { reason: Rejection } {
      if (fields["mac"] === undefined) return { reason: "foreign" };
      if (!isGenuine(fields)) return { reason: "forged" };
      if (isOwn(fields)) return { transitMs: 0 };
      const at = Number(fields["at"]);
      const transitMs = Math.max(0, now - at);
      if (transitMs > maxTransitMs) return { reason: "stale" };
      const isFirst = replays.take(fields["by"] ?? "", Number(fields["number"]), at, now);
      return isFirst ? { transitMs } : { reason: "replayed" };
    },
  };
}
