import type { Namespace, Socket } from "socket.io";
import type { Adapter } from "socket.io-adapter";
import type { Carrier } from "./carrier.ts";
import type { SessionStore, StoredSession } from "./session-store.ts";
import { compareStreamIds, isStreamId } from "./stream-id.ts";
import type { Entry, StreamLog, StreamsConnection } from "./stream-log.ts";

/** A session that was restored but whose socket did not connect (a middleware refused it) is forgotten after, ms. */
const connectWithinMs = 10_000;

/** Carries nothing but an offset, which the client's library keeps. */
const offsetEvent = "recovery";

interface Signal {
  id: string;
  /** The event's name and arguments. */
  data: unknown[];
  rooms: string[];
  except: string[];
}

/** The methods of the streams adapter that recovery replaces or listens at. */
interface Inner {
  uid: string;
  nsp: Namespace;
  persistSession(session: { sid: string; pid: string; rooms: string[]; data: unknown }): void;
  restoreSession(pid: string, offset: string): Promise<unknown>;
  _encode(packet: { data: unknown[] }, options: unknown): unknown;
  apply(options: { rooms: Set<string>; except?: Set<string> }, each: (socket: unknown) => void): void;
}

/** A session on its way back: what is delivered here in the meantime is noted, so that nothing falls in between. */
interface Returning {
  session: StoredSession;
  missed: Signal[];
  tap: Tap;
}
type Tap = Signal[];

/**
 * Session recovery for the streams adapter: what a socket missed is replayed in order and once.
 *
 * The published adapter reads the stream and then puts the socket in its rooms, so that signals in between are lost
 * or come twice; it sends what was missed before the middlewares have looked at the token; and it believes the
 * client's offset, back to before its join. Here the cut is made in the tick in which the socket becomes reachable:
 * up to there from the stream and from what was delivered here meanwhile, from there on live.
 */
export function addRecovery(
  adapter: Adapter,
  {
    carrier,
    streamLog,
    sessions,
    maxAgeMs,
    decode,
  }: {
    carrier: Carrier<StreamsConnection>;
    streamLog: StreamLog;
    sessions: SessionStore;
    /** What is older is not replayed, ms. */
    maxAgeMs: number;
    /** A broadcast in an entry; null where it is something else. */
    decode: (entry: Entry) => { uid: string; data: unknown[]; rooms: string[]; except: string[] } | null;
  },
): void {
  const inner = adapter as unknown as Inner;
  const joined = new Map<string, Record<string, string>>();
  const returning = new Map<string, Returning>();
  const taps = new Set<Tap>();
  /** Id of the last own entry that was delivered here; others' are delivered as they are read. */
  let ownDelivered = "0-0";
  let encoding: { data: unknown[]; own: boolean } | undefined;

  const position = () => {
    const read = streamLog.cursor() ?? "0-0";
    return compareStreamIds(read, ownDelivered) > 0 ? read : ownDelivered;
  };

  // Every delivery encodes and then applies, in one tick.
  const encode = inner._encode.bind(adapter);
  inner._encode = (packet, options) => {
    encoding = { data: packet.data, own: carrier.transit.now() === undefined };
    return encode(packet, options);
  };
  const apply = inner.apply.bind(adapter);
  inner.apply = (options, each) => {
    if (encoding !== undefined) {
      const id = encoding.data.at(-1);
      if (typeof id === "string" && isStreamId(id) && encoding.data[0] !== offsetEvent) {
        if (encoding.own) ownDelivered = id;
        const signal = { id, data: encoding.data, rooms: [...options.rooms], except: [...(options.except ?? [])] };
        for (const tap of taps) tap.push(signal);
      }
      encoding = undefined;
    }
    apply(options, each);
  };

  adapter.on("join-room", (room: string, sid: string) => {
    if (!room.startsWith("r:") || returning.has(sid)) return;
    const rooms = joined.get(sid) ?? {};
    joined.set(sid, rooms);
    rooms[room] = position();
    // A client that has no offset cannot recover: it gets one with its first room, and not with its first signal.
    adapter.broadcast({ type: 2, data: [offsetEvent, rooms[room]] } as never, {
      rooms: new Set([sid]),
      except: new Set(),
      flags: { local: true },
    });
  });
  adapter.on("leave-room", (room: string, sid: string) => {
    if (room === sid) joined.delete(sid);
    else delete joined.get(sid)?.[room];
  });

  inner.persistSession = ({ sid, pid, rooms, data }) =>
    sessions.put({ sid, pid, rooms, data, joined: { ...joined.get(sid) } });

  inner.restoreSession = async (pid, offset) => {
    const connection = carrier.link.connection();
    if (!isStreamId(offset) || connection === undefined) return null;
    const tap: Tap = [];
    taps.add(tap);
    const [readSoFar, ownSoFar] = [streamLog.cursor() ?? "0-0", ownDelivered];
    let restored = false;
    try {
      const session = await sessions.take(pid);
      if (session === null) return null;
      const missed: Signal[] = [];
      for await (const entry of streamLog.since(offset, connection)) {
        const broadcast = decode(entry);
        if (broadcast === null || Date.now() - Number(entry.fields["at"]) > maxAgeMs) continue;
        // What was not delivered here when the tap was opened comes by the tap, or live.
        const deliveredTo = broadcast.uid === inner.uid ? ownSoFar : readSoFar;
        if (compareStreamIds(entry.id, deliveredTo) <= 0)
          missed.push({ ...broadcast, id: entry.id, data: [...broadcast.data, entry.id] });
      }
      restored = true;
      returning.set(session.sid, { session, missed, tap });
      joined.set(session.sid, session.joined);
      const { sid } = session;
      setTimeout(() => {
        if (returning.get(sid)?.tap === tap) forget(sid);
      }, connectWithinMs).unref();
      return { sid, pid, rooms: session.rooms, data: session.data, missedPackets: [] };
    } catch (error) {
      carrier.drop("poisoned", error);
      return null;
    } finally {
      if (!restored) taps.delete(tap);
    }
  };

  function forget(sid: string): void {
    const back = returning.get(sid);
    if (back !== undefined) taps.delete(back.tap);
    returning.delete(sid);
  }

  // In this tick the socket has become reachable, and no other delivery comes between.
  inner.nsp.on("connect", (socket: Socket) => {
    const back = returning.get(socket.id);
    if (back === undefined) return;
    forget(socket.id);
    const replay = [...back.missed, ...back.tap].sort((a, b) => compareStreamIds(a.id, b.id));
    let last = "";
    for (const signal of replay) {
      if (signal.id !== last && isFor(back.session, signal)) sendEvent(socket, signal.data);
      last = signal.id;
    }
  });
}

/** Whether the socket would have got it: to one of its rooms, after it had joined that, and not excepted. */
function isFor({ rooms, joined }: StoredSession, signal: Signal): boolean {
  if (signal.except.some((room) => rooms.includes(room))) return false;
  return signal.rooms.some((room) => {
    if (!rooms.includes(room)) return false;
    const since = joined[room] ?? earliest(joined);
    return since !== undefined && compareStreamIds(signal.id, since) > 0;
  });
}

/** A peer's own room has been its since it first joined one. */
function earliest(joined: Record<string, string>): string | undefined {
  return Object.values(joined).sort(compareStreamIds)[0];
}

function sendEvent(socket: Socket, data: unknown[]): void {
  const event = 2;
  (socket as unknown as { packet(packet: { type: number; data: unknown[] }): void }).packet({ type: event, data });
}
