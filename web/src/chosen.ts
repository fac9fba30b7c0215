/** The data that decides whose picture is shown. All times are of one clock, ms. */
export interface Presence {
  peerId: string;
  cameAt: number;
  /** When the peer was last heard; -Infinity if never. */
  spokeAt: number;
}

/**
 * The peers whose pictures are shown, in the order of their arrival: all, or with more than `limit` those who spoke or
 * came last.
 */
export function chosen(peers: readonly Presence[], limit: number): string[] {
  const lastActive = ({ cameAt, spokeAt }: Presence) => Math.max(cameAt, spokeAt);
  return [...peers]
    .sort((one, other) => lastActive(other) - lastActive(one))
    .slice(0, limit)
    .sort((one, other) => one.cameAt - other.cameAt)
    .map(({ peerId }) => peerId);
}
