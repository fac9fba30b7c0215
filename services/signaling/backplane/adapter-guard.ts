import type { Adapter } from "socket.io-adapter";
import { requireMethods } from "../intake/guarded.ts";
import type { BackplaneContext } from "./backplane.ts";
import type { Carrier } from "./carrier.ts";

/** Events that servers never send to each other; a handler that believes their arguments is harmed. */
const reserved = new Set(["connect", "connection", "new_namespace", "error", "newListener", "removeListener"]);

/** The methods of adapter and namespace that receive messages of other replicas. */
interface Inner {
  nsp: { _onServerSideEmit(args: unknown): void; listenerCount(event: string): number };
  _encode(packet: unknown, options: unknown): unknown;
  broadcast(packet: unknown, options: unknown): unknown;
  apply(options: { flags?: { addressed?: boolean } }, each: (socket: unknown) => void): void;
  onrequest?(channel: unknown, message: Buffer): Promise<void>;
  onMessage?(message: ClusterMessage, offset?: string): void;
}
interface ClusterMessage {
  type?: unknown;
  data?: { requestId?: unknown };
}

/**
 * The messages that replicas send each other through an adapter, by number: `MessageType` of socket.io-adapter
 * (broadcast, server-side event) and `RequestType` of the pub/sub adapter (server-side event), none with an answer. The
 * adapters would carry out further requests of any sender: disconnect all sockets, move sockets between rooms, send
 * handshakes with tokens.
 */
const allowedMessages: readonly unknown[] = [3, 9];
const allowedRequest = 6;

/**
 * Protects this replica from harmful messages on the adapter's channels. A replica of another version, or a broken one,
 * has the key too. Three kinds are dropped and counted: a broadcast that is not an event (clients would close their
 * connection), a server-side event without a listener or reserved by Socket.IO, and a request that no replica makes or
 * whose handling rejects (the process would end).
 *
 * It also measures the transit time of broadcasts for rooms of this replica.
 */
export function guardAdapter<A extends Adapter>(adapter: A, carrier: Carrier, context: BackplaneContext): A {
  const inner = adapter as unknown as Inner;
  requireMethods("the adapter", adapter, ["_encode", "apply", "broadcast"]);
  requireMethods("socket.io's namespace", adapter.nsp, ["_onServerSideEmit", "listenerCount"]);
  // The adapter decides which of the two receives messages.
  if (inner.onrequest === undefined) requireMethods("the adapter", adapter, ["onMessage"]);
  const { transit, drop } = carrier;
  const { metrics } = context;

  const encode = inner._encode.bind(adapter);
  inner._encode = (packet, options) => {
    const transitMs = transit.now();
    if (transitMs !== undefined) {
      if (!isEvent(packet)) throw new TypeError("a broadcast that is no event");
      metrics.relayDuration.observe({ scope: "remote" }, transitMs / 1000);
    }
    return encode(packet, options);
  };

  // This replica already got it on its own channel. The broadcast is for replicas without one.
  const apply = inner.apply.bind(adapter);
  inner.apply = (options, each) => {
    if (transit.now() === undefined || !context.addressed || options.flags?.addressed !== true) apply(options, each);
  };

  // Some adapters broadcast in an async function whose rejection is not handled.
  const broadcast = inner.broadcast.bind(adapter);
  inner.broadcast = (packet, options) => {
    const done = broadcast(packet, options);
    return done instanceof Promise ? done.catch((error: unknown) => drop("poisoned", error)) : done;
  };

  const { nsp } = inner;
  const onServerSideEmit = nsp._onServerSideEmit.bind(nsp);
  nsp._onServerSideEmit = (args) => {
    const event: unknown = Array.isArray(args) ? args[0] : undefined;
    if (typeof event === "string" && !reserved.has(event) && nsp.listenerCount(event) > 0)
      transit.after(() => onServerSideEmit(args));
    else drop("poisoned");
  };

  if (inner.onrequest !== undefined) {
    const onrequest = inner.onrequest.bind(adapter);
    inner.onrequest = async (channel, message) => {
      try {
        const { type, requestId } = JSON.parse(message.toString("utf8")) as { type?: unknown; requestId?: unknown };
        if (type !== allowedRequest || requestId !== undefined) throw new TypeError("a request that no replica makes");
        await onrequest(channel, message);
      } catch (error) {
        drop("poisoned", error);
      }
    };
  }
  if (inner.onMessage !== undefined) {
    const onMessage = inner.onMessage.bind(adapter);
    inner.onMessage = (message, offset) => {
      if (allowedMessages.includes(message?.type) && message.data?.requestId === undefined) onMessage(message, offset);
      else drop("poisoned");
    };
  }
  return adapter;
}

/** Socket.IO protocol 5: type 2 is EVENT, its data an array that begins with the event's name. */
function isEvent(packet: unknown): boolean {
  const { type, data, id } = (packet ?? {}) as { type?: unknown; data?: unknown; id?: unknown };
  return (
    type === 2 &&
    Array.isArray(data) &&
    typeof data[0] === "string" &&
    !reserved.has(data[0]) &&
    (id === undefined || Number.isSafeInteger(id))
  );
}
