import type { Log } from "../../../common/log.ts";
import type { Backplane } from "../../../services/signaling/backplane/backplane.ts";
import { createCanary } from "../../../services/signaling/backplane/canary/canary.ts";
import { leavesWithinMs } from "../../../services/signaling/backplane/carrier.ts";
import { createTransit } from "../../../services/signaling/backplane/transit.ts";
import type { Metrics } from "../../../services/signaling/metrics.ts";

/** A message longer in transit is dropped, as by the envelope, ms. */
const maxTransitMs = 1_000;
/** Retry interval of a lost connection, ms. */
const reconnectMs = 250;

type Listener = (payload: Buffer, transitMs: number) => void;
interface Endpoint {
  nodeId: string;
  /** The one of several servers that it uses. No message passes from one to another. */
  server: number;
  cut: boolean;
  connected: boolean;
  alive: boolean;
  channels: Map<string, Set<Listener>>;
}

/** The scope of the sender's order: all messages of one process, or its messages on one channel, as on a cluster. */
export type BusOrder = "server" | "channel";

/**
 * A backplane in memory. `latency` gives the transit time of each message. The test drives the timers.
 */
export function createBus(
  latency: () => number,
  { order, metrics, log }: { order: BusOrder; metrics: Metrics; log: Log },
) {
  const endpoints = new Set<Endpoint>();
  /** Arrival of the last message from one process to another, by channel if that is the order. */
  const lastAt = new Map<string, number>();
  const reaches = ({ alive, cut, connected }: Endpoint) => alive && !cut && connected;

  function publish(from: Endpoint, channel: string, payload: Buffer | string): void {
    if (!reaches(from)) return;
    const body = Buffer.from(payload);
    const sentAt = performance.now();
    for (const to of endpoints) {
      if (!reaches(to) || to.server !== from.server) continue;
      const lane = `${from.nodeId} ${to.nodeId}${order === "channel" ? ` ${channel}` : ""}`;
      const at = Math.max(sentAt + latency(), lastAt.get(lane) ?? 0);
      lastAt.set(lane, at);
      const { server } = to;
      setTimeout(() => {
        if (to.server === server) arrive(to, channel, body, performance.now() - sentAt);
      }, at - sentAt);
    }
  }

  function arrive(to: Endpoint, channel: string, body: Buffer, transitMs: number): void {
    if (!reaches(to) || transitMs > maxTransitMs) return;
    for (const listener of to.channels.get(channel) ?? []) listener(body, transitMs);
  }

  return {
    /**
     * The backplane of one process. `cut` partitions it from the others and restores it. `move` makes it leave its server
     * for another one. `destroy` ends it.
     */
    connect(nodeId: string) {
      const endpoint: Endpoint = { nodeId, server: 0, cut: false, connected: true, alive: true, channels: new Map() };
      endpoints.add(endpoint);
      const transit = createTransit();
      let reconnecting: NodeJS.Timeout | undefined;
      const canary = createCanary({ nodeId, log, metrics } as never, {
        lanes: [{ name: "heartbeat", send: async (payload) => publish(endpoint, "canary", payload) }],
        tell: (hearing) => publish(endpoint, "hearing", hearing),
        onSilent: lose,
        onDeaf: () => leave(endpoint.server),
      });

      function lose(): void {
        if (!endpoint.connected) return;
        endpoint.connected = false;
        canary.lost();
        reconnecting = setInterval(() => {
          if (endpoint.cut) return;
          clearInterval(reconnecting);
          endpoint.connected = true;
          canary.opened();
        }, reconnectMs);
      }

      function leave(server: number): void {
        canary.leaves();
        setTimeout(() => {
          lose();
          endpoint.server = server;
        }, leavesWithinMs);
      }

      function listen(channel: string, listener: Listener): () => void {
        const listeners = endpoint.channels.get(channel) ?? new Set();
        endpoint.channels.set(channel, listeners.add(listener));
        return () => void listeners.delete(listener);
      }

      listen("canary", (payload) => canary.receive("heartbeat", payload.toString("latin1")));
      listen("hearing", (payload) => canary.hears(payload.toString("latin1")));
      canary.opened();
      /** Subscriptions that have not reached the server yet. */
      const making = new Set<Promise<void>>();
      const subscribe = async (channel: string, listener: Listener) => {
        const made = new Promise<void>((resolve) => setTimeout(resolve, latency()));
        making.add(made);
        await made;
        making.delete(made);
        const stop = listen(channel, listener);
        return async () => stop();
      };
      const backplane: Omit<Backplane, "adapter"> = {
        async publish(channel, payload) {
          if (!canary.up()) throw new Error("the backplane is down");
          publish(endpoint, channel, payload);
        },
        fire: (channel, payload) => publish(endpoint, channel, payload),
        subscribe: (channel, listener) => subscribe(channel, (payload, ms) => listener(payload.toString("utf8"), ms)),
        listen: subscribe,
        listeners: async (channel) => [...endpoints].filter((one) => reaches(one) && one.channels.has(channel)).length,
        subscribing: () => (making.size === 0 ? undefined : Promise.all(making)),
        onMissed: () => undefined,
        up: canary.up,
        reaches: canary.reaches,
        onChange: canary.onChange,
        onHeartbeat: canary.onHeartbeat,
        close: async () => canary.close(),
      };
      return {
        backplane: backplane as Backplane,
        transit,
        cut(isCut: boolean): void {
          endpoint.cut = isCut;
        },
        move: leave,
        destroy(): void {
          endpoint.alive = false;
          endpoints.delete(endpoint);
          clearInterval(reconnecting);
          canary.close();
        },
      };
    },
  };
}

export type Bus = ReturnType<typeof createBus>;
