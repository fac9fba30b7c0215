import type { Call } from "../../client/call.ts";
import { createFlow, readMediaStats } from "./media-stats.ts";

/** Interval of the media readings, ms. */
const everyMs = 500;

/** The media of one peer. */
export interface Reading {
  peerId: string;
  ice: RTCIceConnectionState;
  connection: RTCPeerConnectionState;
  flowing: boolean;
  framesDecoded: number;
  bytesPerSecond: number;
  /** Current audio level, 0 to 1. */
  audioLevel: number;
}

/** Reads every connection of the call twice a second and reports the result. */
export function watchMedia(call: Call, tell: (readings: readonly Reading[]) => void): void {
  const flows = new WeakMap<RTCPeerConnection, ReturnType<typeof createFlow>>();

  async function read(peerId: string, connection: RTCPeerConnection): Promise<Reading> {
    const flow = flows.get(connection) ?? createFlow();
    flows.set(connection, flow);
    const stats = await readMediaStats(connection);
    const { iceConnectionState: ice, connectionState } = connection;
    return { peerId, ice, connection: connectionState, ...stats, ...flow.update(stats, performance.now()) };
  }

  setInterval(async () => {
    tell(await Promise.all([...call.links()].map(([peerId, { connection }]) => read(peerId, connection))));
  }, everyMs);
}
