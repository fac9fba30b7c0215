import { createAdapter } from "@socket.io/redis-streams-adapter";
import type { Adapter } from "socket.io-adapter";
import { requireMethods } from "../../intake/guarded.ts";
import { createAdapterClient } from "../adapter-client.ts";
import { guardAdapter } from "../adapter-guard.ts";
import type { Backplane, BackplaneConnection, BackplaneContext } from "../backplane.ts";
import type { Lane } from "../canary/canary.ts";
import type { Carrier } from "../carrier.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { addRecovery } from "./recovery.ts";
import type { SessionStore } from "./session-store.ts";
import type { Entry, Fields } from "./stream-entry.ts";
import { createStreamLog, type StreamStore } from "./stream-log.ts";

/** The methods of the streams adapter by which we feed it, and by which broadcasts leave it. */
interface StreamsInner {
  uid: string;
  onRawMessage(message: Fields, offset: string): void;
  onMessage(message: { type: number; data?: { opts?: { rooms?: string[] } } }, offset?: string): void;
  broadcast(packet: unknown, options: { rooms: Set<string>; flags?: object }): unknown;
}
interface StreamsClass {
  decode(fields: Fields): {
    uid: string;
    data: { packet: { data: unknown[] }; opts: { rooms: string[]; except: string[] } };
  };
}
/** Numbers of `MessageType` in socket.io-adapter. */
const broadcastType = 3;

/**
 * A stream, with session recovery: at least once across short disconnects. Every replica reads every room's messages;
 * presence and requests go by pub/sub.
 */
export async function createStreamBackplane<C extends BackplaneConnection>(
  context: BackplaneContext,
  parts: {
    /** Signals are replayed for this long, ms. */
    maxAgeMs: number;
    /** A session that missed more is not recovered, bytes. */
    maxBytes: number;
    store: StreamStore<C>;
    sessions: (carrier: Carrier<C>) => SessionStore;
    open: (scope: ConnectionScope) => Promise<C>;
    carry: (options: { open: (scope: ConnectionScope) => Promise<C>; kind: "channel"; lanes: Lane[] }) => Carrier<C>;
  },
): Promise<Backplane> {
  const { maxAgeMs } = parts;
  const adapters = new Map<string, StreamsInner>();
  const streamLog = createStreamLog<C>({
    store: parts.store,
    envelope: context.envelope,
    carrier: () => carrier,
    onEntry({ id, fields }) {
      const adapter = adapters.get(fields["nsp"] ?? "");
      if (adapter !== undefined && adapter.uid !== fields["uid"]) adapter.onRawMessage(fields, id);
    },
    onCanary: (payload) => carrier.canary.receive("stream", payload),
  });
  const carrier: Carrier<C> = parts.carry({
    async open(scope) {
      const connection = await parts.open(scope);
      await streamLog.follow(connection, scope);
      return connection;
    },
    kind: "channel",
    lanes: [{ name: "stream", send: (payload) => streamLog.appendCanary(payload) }],
  });

  const client = createAdapterClient(carrier);
  const build = createAdapter({
    ...client,
    xAdd: (_key: string, _id: string, fields: Fields) => streamLog.append(fields),
    // The adapter's own reader would re-read a malformed entry without end. It gets no entry here; the replica's reader
    // feeds the adapter.
    duplicate: () => ({
      ...client,
      connect: () => Promise.resolve(),
      disconnect: () => undefined,
      xRead: () => new Promise(() => undefined),
    }),
  });
  const sessions = parts.sessions(carrier);
  await carrier.start();
  return {
    ...carrier.common,
    stored: streamLog.stored,
    recovery: { maxDisconnectionDuration: maxAgeMs, skipMiddlewares: false },
    // Socket.IO calls it with `new`: no arrow function.
    adapter: function adapter(namespace) {
      const built = build(namespace) as Adapter;
      const inner = built as unknown as StreamsInner;
      adapters.set(namespace.name, inner);
      const restoring = addRecovery(built, {
        carrier,
        streamLog,
        sessions,
        maxAgeMs,
        maxBytes: parts.maxBytes,
        decode: (entry) => decode(built, entry),
      });
      keepLocal(built, inner, restoring);
      return guardAdapter(built, carrier, context);
    },
  };
}

/** With recovery on, Socket.IO makes a broadcast of each `socket.emit`. One for a single socket here stays here. */
function keepLocal(adapter: Adapter, inner: StreamsInner, restoring: () => boolean): void {
  requireMethods("the streams adapter", adapter, ["broadcast", "onMessage", "onRawMessage"]);
  const broadcast = inner.broadcast.bind(adapter);
  inner.broadcast = (packet, options) => {
    const [room] = options.rooms;
    const here = options.rooms.size === 1 && room !== undefined && adapter.sids.has(room);
    return broadcast(packet, here ? { ...options, flags: { ...options.flags, local: true } } : options);
  };
  const onMessage = inner.onMessage.bind(adapter);
  inner.onMessage = (message, offset) => {
    const rooms = message.type === broadcastType ? (message.data?.opts?.rooms ?? []) : [];
    // Nobody here is in that room, or may be soon: encoding would be wasted.
    if (rooms.length === 0 || restoring() || rooms.some((room) => adapter.rooms.has(room))) onMessage(message, offset);
  };
}

/** The broadcast in an entry of the adapter's namespace, as the adapter wrote it. */
function decode(adapter: Adapter, { fields }: Entry) {
  if (fields["nsp"] !== adapter.nsp.name || fields["type"] !== String(broadcastType)) return null;
  const { uid, data } = (adapter.constructor as unknown as StreamsClass).decode(fields);
  return { uid, data: data.packet.data, rooms: data.opts.rooms, except: data.opts.except };
}
