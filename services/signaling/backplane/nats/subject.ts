/** All subjects of the replicas are below this one: a user at NATS needs `hold-the-line.>` to publish and subscribe. */
const prefix = "hold-the-line";

/** The one subject of the stream of `NATS_RECOVERY=on`. */
export const entriesSubject = `${prefix}.stream.entries`;

/**
 * The subject of a channel, in one token below the prefix. A dot separates tokens, `*` and `>` match several, and white
 * space ends a subject (docs.nats.io/nats-concepts/subjects), so they are encoded.
 *
 * @throws URIError for a lone surrogate
 */
export function subjectOf(channel: string): string {
  const token = encodeURIComponent(channel).replace(/[.*]/g, (sign) => (sign === "." ? "%2E" : "%2A"));
  return `${prefix}.${token}`;
}
