import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import { until } from "../../support/poll.ts";
import { connectRaw } from "../../support/raw-peer.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../../support/signal-peer.ts";

export const ways = ["websocket", "polling", "raw"] as const;
export type Way = (typeof ways)[number];

/** A joined peer that must not be affected. If its socket closed, it has the reason. */
export interface Bystander {
  way: Way;
  peer: SignalPeer & { peerId: string };
  closed: string[];
}

/** The bystanders' own address, so that the attackers do not use up their limits. */
const localAddress = "127.0.0.2";

async function connect(url: string, way: Way, cookie: string, closed: string[]): Promise<SignalPeer> {
  const headers = { cookie };
  const agent = new Agent({ localAddress, keepAlive: true });
  if (way === "raw") {
    const peer = await connectRaw(url, { headers, agent });
    peer.socket.on("close", (code) => closed.push(`raw: ${code}`));
    return peer;
  }
  const peer = await connectSocketIo(url, {
    transports: [way],
    extraHeaders: headers,
    agent: agent as unknown as string,
    reconnection: false,
  });
  peer.socket.on("disconnect", (reason) => closed.push(`${way}: ${reason}`));
  return peer;
}

/** Connects with new cookies until it is on that replica, and joins. */
export async function bystander(url: string, way: Way, room: string, nodeId: string): Promise<Bystander> {
  return until(`a ${way} peer on ${nodeId}`, async () => {
    const closed: string[] = [];
    const peer = await connect(url, way, `sticky=${randomBytes(8).toString("hex")}`, closed);
    // A join in a room of its own returns the replica without affecting other rooms.
    const probe = await peer.join(`where-${randomBytes(4).toString("hex")}`);
    if (probe.ok && probe.node === nodeId) return { way, peer: await joinRoom(peer, room), closed };
    peer.close();
    return undefined;
  });
}
