import type { Adapter } from "socket.io-adapter";
import type { BackplaneContext } from "./backplane.ts";
import type { Carrier } from "./carrier.ts";

/** Never sent from server to server, and harmful where handlers take its arguments for real ones. */
const reserved = new Set(["connect", "connection", "new_namespace", "error", "newListener", "removeListener"]);

/** The methods of adapter and namespace through which everything from other replicas passes. */
interface Inner {
  nsp: { _onServerSideEmit(args: unknown): void; listenerCount(event: string): number };
  _encode(packet: unknown, options: unknown): unknown;
  broadcast(packet: unknown, options: unknown): unknown;
  onrequest?(channel: unknown, message: unknown): Promise<void>;
}

/**
 * Keeps what arrives on the adapter's channels from harming this replica: the envelope proves nothing, any program at
 * Redis can write there. A broadcast that is no event, which would make clients give up their connection, and a
 * server-side event that nobody listens to or that Socket.IO keeps for itself, are dropped and counted; so is a
 * request whose handling rejects, which would end the process.
 *
 * Also observes how long broadcasts that found their room here were on their way.
 */
export function guardAdapter<A extends Adapter>(adapter: A, carrier: Carrier, { metrics }: BackplaneContext): A {
  const inner = adapter as unknown as Inner;
  const { transit, drop } = carrier;

  const encode = inner._encode.bind(adapter);
  inner._encode = (packet, options) => {
    const transitMs = transit.now();
    if (transitMs !== undefined) {
      if (!isEvent(packet)) throw new TypeError("a broadcast that is no event");
      metrics.relayDuration.observe({ scope: "remote" }, transitMs / 1000);
    }
    return encode(packet, options);
  };

  // Some adapters broadcast in an async function, whose rejection nobody awaits.
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
    inner.onrequest = (channel, message) =>
      onrequest(channel, message).catch((error: unknown) => drop("poisoned", error));
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
