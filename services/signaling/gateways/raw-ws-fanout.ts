import { z } from "zod";
import type { Log } from "../../../common/log.ts";
import { Signal } from "../../../common/protocol.ts";
import { RELAYED } from "../../../common/protocol-names.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Metrics } from "../metrics.ts";

const channelOf = (roomId: string) => `room:${roomId}`;

/** A message on a room's channel. */
const Message = z.object({
  /** The replica that sent it: it has served its own members already. */
  node: z.string(),
  event: z.enum(RELAYED),
  to: z.string().optional(),
  /** Peers that are away: they get it from its sender when they are back. */
  skip: z.array(z.string()).readonly(),
  signal: Signal.extend({ from: z.string(), id: z.string() }),
});
export type RoomMessage = Omit<z.infer<typeof Message>, "node">;

/**
 * Fan-out of the raw WebSocket gateway across replicas: one channel a room. A replica subscribes to it while the room
 * has a raw WebSocket member there.
 */
export function createRoomFanout(options: {
  nodeId: string;
  backplane: Backplane;
  /** Delivers to the members here; returns how many that were. */
  deliver: (roomId: string, message: RoomMessage) => number;
  metrics: Metrics;
  log: Log;
}) {
  const { nodeId, backplane, metrics, log } = options;
  const subscribed = new Map<string, Promise<() => Promise<void>>>();

  function receive(roomId: string, payload: string, transitMs: number): void {
    // Throws for what is malformed: the backplane drops and counts it.
    const { node, ...message } = Message.parse(JSON.parse(payload));
    if (node === nodeId) return;
    if (message.signal.roomId !== roomId) throw new Error("a signal on the channel of another room");
    if (options.deliver(roomId, message) > 0) metrics.relayDuration.observe({ scope: "remote" }, transitMs / 1000);
  }

  return {
    /** The first member of the room came. */
    open(roomId: string): void {
      if (subscribed.has(roomId)) return;
      const listening = backplane.subscribe(channelOf(roomId), (payload, transitMs) =>
        receive(roomId, payload, transitMs),
      );
      subscribed.set(roomId, listening);
    },
    /** The last member of the room went. */
    close(roomId: string): void {
      const listening = subscribed.get(roomId);
      subscribed.delete(roomId);
      listening
        ?.then((stop) => stop())
        .catch((err: unknown) => log.warn({ err, room: roomId }, "room channel not given up"));
    },
    /** To the members of other replicas; what cannot be sent is counted. */
    publish(roomId: string, message: RoomMessage): void {
      backplane
        .publish(channelOf(roomId), JSON.stringify({ node: nodeId, ...message }))
        .catch(() => metrics.backplaneDropped.inc({ reason: "unsent" }));
    },
  };
}
