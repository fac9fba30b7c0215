import type { Namespace, Socket } from "socket.io";
import type { Adapter } from "socket.io-adapter";
import { requireMethods } from "../../intake/guarded.ts";
import type { BackplaneConnection } from "../backplane.ts";
import type { Carrier } from "../carrier.ts";
import type { SessionStore, StoredSession } from "./session-store.ts";
import type { Entry } from "./stream-entry.ts";
import { compareStreamIds, isStreamId } from "./stream-id.ts";
import type { StreamLog } from "./stream-log.ts";

/** A session that was restored but whose socket did not connect (a middleware refused it) is forgotten after, ms. */
const connectWithinMs = 10_000;

/** Signals sent less than this before a session closed may not have reached it, ms. */
const closingMs = 2_000;

/** Carries nothing but an offset, which the client's library keeps. */
const offsetEvent = "recovery";

interface Signal {
  /**
   * Its place in the stream. If it has none, because the server confirmed it late, the place of the last delivery
   * before it.
   */
  id: string;
  unconfirmed?: true;
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
  apply(options: Delivery, each: (socket: unknown) => void): void;
}

interface Delivery {
  rooms: Set<string>;
  except?: Set<string>;
  flags?: { local?: boolean };
}

/** Deliveries on this replica while a session is being restored, so that none is lost. */
interface Tap {
  /** Unknown at first: then everything is noted. */
  session?: StoredSession;
  signals: Signal[];
}

/**
 * Session recovery for the streams adapter: what a socket missed is replayed in order and once.
 *
 * The published adapter reads the stream and then puts the socket in its rooms, so that signals in between are lost
 * or come twice; it sends what was missed before the middlewares have looked at the token; and it believes the
 * client's offset, back to before its join. Here the cut is made in the tick in which the socket becomes reachable:
 * up to there from the stream and from what was delivered here meanwhile, from there on live.
 *
 * Returns whether a session is on its way back: what is delivered then is of interest though no socket is there yet.
 */
export function addRecovery<C extends BackplaneConnection>(
  adapter: Adapter,
  {
    carrier,
    streamLog,
    sessions,
    maxAgeMs,
    maxBytes,
    decode,
  }: {
    carrier: Carrier<C>;
    streamLog: StreamLog<C>;
    sessions: SessionStore;
    /** Older signals are not replayed, ms. */
    maxAgeMs: number;
    /** A session that missed more is not recovered: its connection would be closed as that of a slow consumer. */
    maxBytes: number;
    /** The broadcast in an entry; null for other entries. */
    decode: (entry: Entry) => { uid: string; data: unknown[]; rooms: string[]; except: string[] } | null;
  },
): () => boolean {
  const inner = adapter as unknown as Inner;
  const joined = new Map<string, Record<string, string>>();
  const returning = new Map<string, Tap & { session: StoredSession }>();
  const taps = new Set<Tap>();
  let encoding: unknown[] | undefined;

  const position = () => streamLog.cursor() ?? "0-0";

  requireMethods("the streams adapter", adapter, ["_encode", "apply", "persistSession", "restoreSession"]);
  // Every delivery encodes and then applies, in one tick.
  const encode = inner._encode.bind(adapter);
  inner._encode = (packet, options) => {
    const encoded = encode(packet, options);
    encoding = packet.data;
    return encoded;
  };
  const apply = inner.apply.bind(adapter);
  inner.apply = (options, each) => {
    if (encoding !== undefined) {
      note(encoding, options);
      encoding = undefined;
    }
    apply(options, each);
  };

  function note(data: unknown[], { rooms, except, flags }: Delivery): void {
    const last = data.at(-1);
    const id = typeof last === "string" && isStreamId(last) && data[0] !== offsetEvent ? last : undefined;
    // A broadcast for this replica only is not a signal.
    if (id === undefined && flags?.local === true) return;
    const signal: Signal = { id: id ?? position(), data, rooms: [...rooms], except: [...(except ?? [])] };
    if (id === undefined) signal.unconfirmed = true;
    for (const { session, signals } of taps) if (session === undefined || isFor(session, signal)) signals.push(signal);
  }

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
    const connection = carrier.reconnector.connection();
    if (!isStreamId(offset) || connection === undefined) return null;
    const tap: Tap = { signals: [] };
    taps.add(tap);
    const readSoFar = position();
    try {
      const session = await sessions.take(pid);
      if (session === null) return null;
      const missed: Signal[] = [];
      let bytes = 0;
      for await (const entry of streamLog.since(offset, connection)) {
        const broadcast = read(entry);
        if (broadcast === null) continue;
        const signal = { ...broadcast, id: entry.id, data: [...broadcast.data, entry.id] };
        // Entries read after the tap was opened arrive through the tap, or live. A signal delivered without its id is
        // unknown there, so it may arrive twice. Clients drop the repeat by the signal's own id.
        const delivered = compareStreamIds(entry.id, readSoFar) <= 0 || streamLog.wasGivenUp(entry);
        if (!delivered || !isFor(session, signal)) continue;
        missed.push(signal);
        bytes += Buffer.byteLength(entry.fields["data"] ?? "");
        if (bytes > maxBytes) return null;
      }
      const oldest = await streamLog.oldest(connection);
      if (oldest === undefined || isCut(oldest, offset, session.closedAt)) return null;
      // On a busy replica most of it may come this way.
      const late = tap.signals.filter((signal) => isFor(session, signal));
      for (const { data } of late) bytes += Buffer.byteLength(JSON.stringify(data));
      if (bytes > maxBytes) return null;
      const back = { session, signals: [...missed, ...late] };
      taps.add(back);
      returning.set(session.sid, back);
      joined.set(session.sid, session.joined);
      setTimeout(() => {
        if (returning.get(session.sid) !== back) return;
        forget(session.sid);
        if (!inner.nsp.sockets.has(session.sid)) joined.delete(session.sid);
      }, connectWithinMs).unref();
      return { sid: session.sid, pid, rooms: session.rooms, data: session.data, missedPackets: [] };
    } catch (error) {
      carrier.drop("poisoned", error);
      return null;
    } finally {
      taps.delete(tap);
    }
  };

  /** The broadcast in a recent entry; null for an old, other or malformed entry. */
  function read(entry: Entry): ReturnType<typeof decode> {
    try {
      return Date.now() - Number(entry.fields["at"]) > maxAgeMs ? null : decode(entry);
    } catch (error) {
      carrier.drop("poisoned", error);
      return null;
    }
  }

  function forget(sid: string): void {
    const back = returning.get(sid);
    if (back !== undefined) taps.delete(back);
    returning.delete(sid);
  }

  // In this tick the socket has become reachable, and no other delivery comes between.
  inner.nsp.on("connect", (socket: Socket) => {
    const back = returning.get(socket.id);
    if (back === undefined) return;
    forget(socket.id);
    let last = "";
    for (const { id, unconfirmed, data } of back.signals.sort((a, b) => compareStreamIds(a.id, b.id))) {
      if (unconfirmed || id !== last) sendEvent(socket, data);
      if (!unconfirmed) last = id;
    }
  });
  return () => taps.size > 0;
}

/** Whether the socket would have got it: to one of its rooms, after it had joined that, and not excepted. */
function isFor({ rooms, joined }: StoredSession, signal: Signal): boolean {
  if (signal.except.some((room) => rooms.includes(room))) return false;
  return signal.rooms.some((room) => {
    if (!rooms.includes(room)) return false;
    const since = joined[room] ?? earliest(joined);
    return since !== undefined && (signal.unconfirmed || compareStreamIds(signal.id, since) > 0);
  });
}

/**
 * Whether entries are gone that the session missed: a full stream is trimmed by size. There is an entry each second,
 * and those that are older than the closing of the session reached it.
 */
function isCut(oldest: { id: string; at: number }, offset: string, closedAt: number): boolean {
  return compareStreamIds(oldest.id, offset) > 0 && oldest.at > closedAt - closingMs;
}

/** A peer's own room has been its since it first joined one. */
function earliest(joined: Record<string, string>): string | undefined {
  return Object.values(joined).sort(compareStreamIds)[0];
}

function sendEvent(socket: Socket, data: unknown[]): void {
  const event = 2;
  (socket as unknown as { packet(packet: { type: number; data: unknown[] }): void }).packet({ type: event, data });
}
