import type { Call } from "../../client/call.ts";
import { createFlow, readMediaStats } from "./media-stats.ts";

/** How often media is looked at, ms. */
const everyMs = 500;

/** How the media of one peer does. */
export interface Reading {
  peerId: string;
  ice: RTCIceConnectionState;
  connection: RTCPeerConnectionState;
  flowing: boolean;
  framesDecoded: number;
  bytesPerSecond: number;
  /** Of now, 0 to 1. */
  audioLevel: number;
}

/** Reads every connection of the call twice a second, and tells. */
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
