import type { Namespace, Server } from "socket.io";
import type { Adapter } from "socket.io-adapter";
import type { ReplicaChannels } from "../backplane/replica-channel.ts";
import type { Metrics } from "../metrics.ts";
import type { Relay } from "../rooms/relay.ts";
import { type Address, encodePacket, readAddressed, type SocketIoPacket, writeAddressed } from "./socketio-packet.ts";

/** Client room ids never become Socket.IO rooms as they are: a raw one could name another socket's private room. */
export const roomOf = (roomId: string) => `r:${roomId}`;
export const peerRoomOf = (peerId: string) => `p:${peerId}`;

/** The used part of a Socket.IO socket, to write an encoded packet. */
interface Writable {
  client: {
    conn: { transport: { name: string } };
    writeToEngine(packets: readonly (string | Buffer)[], options: PacketOptions): void;
  };
}
interface PacketOptions {
  preEncoded: true;
  wsPreEncodedFrame?: Buffer[];
}

/**
 * Relays to Socket.IO members: those here get the packet at once, other replicas get it on a channel of their own, in
 * the form in which their sockets take it, or by the adapter's broadcast.
 */
export function createSocketIoDelivery(options: {
  io: Server;
  namespace: Namespace;
  channels: ReplicaChannels;
  /** Sessions are recovered from the adapter's stream: all goes by it. */
  recovers: boolean;
  metrics: Metrics;
}) {
  const { namespace, channels, metrics } = options;
  const { encoder } = options.io as unknown as { encoder: Parameters<typeof encodePacket>[0] };
  const adapter = namespace.adapter as Adapter;

  /** Writes to the members here; returns to how many. */
  function deliver({ target, isPeer, skip }: Address, packet: SocketIoPacket, exceptId?: string): number {
    const ids = adapter.rooms.get(isPeer ? peerRoomOf(target) : roomOf(target));
    if (ids === undefined) return 0;
    const skipped = new Set(skip.flatMap((peerId) => [...(adapter.rooms.get(peerRoomOf(peerId)) ?? [])]));
    const packetOptions = optionsOf(packet);
    let packets: (string | Buffer)[] | undefined;
    let count = 0;
    for (const id of ids) {
      const socket = namespace.sockets.get(id) as unknown as Writable | undefined;
      if (socket === undefined || id === exceptId || skipped.has(id)) continue;
      count += 1;
      // A WebSocket stays one, and takes the frame alone: no text is made of it.
      if (packetOptions.wsPreEncodedFrame !== undefined && socket.client.conn.transport.name === "websocket") {
        socket.client.writeToEngine(packetOptions.wsPreEncodedFrame, packetOptions);
        continue;
      }
      packets ??= [packet.frame.toString("utf8", packet.textAt + 1), ...packet.attachments];
      socket.client.writeToEngine(packets, packetOptions);
    }
    return count;
  }

  return {
    /** Delivers to the members here and on other replicas; returns how many are here. */
    relay({ event, roomId, to, signal, remote, skip }: Relay, senderId: string | undefined): number {
      if (options.recovers || remote.broadcast === "all")
        return broadcast(namespace, { event, roomId, to, signal, skip }, senderId);
      const packet = encodePacket(encoder, event, signal);
      const address = { target: to ?? roomId, isPeer: to !== undefined, skip };
      if (remote.replicas.length > 0) channels.relay(remote.replicas, writeAddressed(address, packet));
      if (remote.broadcast === "none") return deliver(address, packet, senderId);
      return broadcast(namespace, { event, roomId, to, signal, skip }, senderId, { addressed: true });
    },
    /** Delivers a relay from this replica's own channel. @throws Error if it is malformed */
    receive(message: Buffer, transitMs: number): void {
      const { address, packet } = readAddressed(message);
      if (deliver(address, packet) > 0) metrics.relayDuration.observe({ scope: "remote" }, transitMs / 1000);
    },
  };
}

/** A text goes to a WebSocket as a ready frame, as in the adapter's own broadcasts. */
function optionsOf({ frame, attachments }: SocketIoPacket): PacketOptions {
  return attachments.length > 0 ? { preEncoded: true } : { preEncoded: true, wsPreEncodedFrame: [frame] };
}

/** @param flags `addressed`: those that take relays on a channel of their own get it there */
function broadcast(
  { adapter }: Namespace,
  { event, roomId, to, signal, skip }: Pick<Relay, "event" | "roomId" | "to" | "signal" | "skip">,
  senderId: string | undefined,
  flags: { addressed?: true } = {},
): number {
  const room = to === undefined ? roomOf(roomId) : peerRoomOf(to);
  const except = new Set(skip.map(peerRoomOf));
  if (senderId !== undefined) except.add(senderId);
  adapter.broadcast({ type: 2, data: [event, signal] } as never, {
    rooms: new Set([room]),
    except,
    flags: flags as object,
  });
  const members = adapter.rooms.get(room);
  return (members?.size ?? 0) - (senderId !== undefined && members?.has(senderId) ? 1 : 0);
}
