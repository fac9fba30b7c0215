/** Totals that a connection has received, over all inbound streams. */
export interface MediaStats {
  framesDecoded: number;
  bytesReceived: number;
}

/** Reads `inbound-rtp` of `getStats` (W3C webrtc-stats). `audioLevel` is the current level, 0 to 1. */
export async function readMediaStats(connection: RTCPeerConnection): Promise<MediaStats & { audioLevel: number }> {
  const stats = { framesDecoded: 0, bytesReceived: 0, audioLevel: 0 };
  for (const entry of (await connection.getStats()).values() as Iterable<Record<string, unknown>>) {
    if (entry["type"] !== "inbound-rtp") continue;
    stats.bytesReceived += Number(entry["bytesReceived"] ?? 0);
    stats.audioLevel = Math.max(stats.audioLevel, Number(entry["audioLevel"] ?? 0));
    if (entry["kind"] === "video") stats.framesDecoded += Number(entry["framesDecoded"] ?? 0);
  }
  return stats;
}

/** Media flows while frames or bytes arrive. It has stopped after a second without any. */
export function createFlow(stoppedAfterMs = 1_000) {
  let last: MediaStats & { at: number } = { framesDecoded: 0, bytesReceived: 0, at: 0 };
  let movedAt = Number.NEGATIVE_INFINITY;
  return {
    /** Takes a reading at `now` (ms). Returns whether media flows, and the rate in bytes a second. */
    update(stats: MediaStats, now: number): { flowing: boolean; bytesPerSecond: number } {
      const moved = stats.framesDecoded > last.framesDecoded || stats.bytesReceived > last.bytesReceived;
      if (moved) movedAt = now;
      const bytesPerSecond = Math.max(0, ((stats.bytesReceived - last.bytesReceived) / (now - last.at)) * 1000);
      last = { framesDecoded: stats.framesDecoded, bytesReceived: stats.bytesReceived, at: now };
      return { flowing: now - movedAt <= stoppedAfterMs, bytesPerSecond };
    },
  };
}
