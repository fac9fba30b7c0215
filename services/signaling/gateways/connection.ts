import type { ServerToClientEvents } from "../../../common/protocol.ts";
import type { Limits } from "../intake/limits.ts";
import type { Pace } from "../intake/pace.ts";
import type { Kind } from "../presence/directory.ts";
import type { Grant } from "../rooms/authorize.ts";

/** A client may hold a closed connection this long, ms: it may have gone without a word. */
export const closesWithinMs = 5_000;

/** The room rules' view of a client connection on either gateway. */
export interface Connection {
  readonly kind: Kind;
  /** The rights of its token; null without authorization. */
  readonly grant: Grant | null;
  /** The proxy's correlation id of its tunnel or first request. */
  readonly traceId: string | undefined;
  /** Minted or resumed by its first join. */
  peerId: string | null;
  /** Rooms that it has joined. */
  readonly rooms: Set<string>;
  /** The limits of its transport connection. They outlive the namespace. */
  readonly limits: Limits;
  /** Its pace: deliveries to many, joins and leaves slow it down. */
  readonly pace: Pick<Pace, "takeChange" | "takeDeliveries">;
  send(event: keyof ServerToClientEvents, data: unknown): void;
  /** Makes it reachable as a member of a room, and as a peer. */
  enter(roomId: string, peerId: string): void;
  /** Makes it unreachable as a member of a room. */
  exit(roomId: string): void;
  /** Closes the transport: the client connects again. It ends within {@link closesWithinMs}. */
  disconnect(): void;
  /** Closes it for good: the client stays away. It ends within {@link closesWithinMs}. */
  terminate(): void;
}

/**
 * The client has ended its side of the connection. Resolves when the replica may end the other side; undefined: at
 * once. Never rejects.
 */
export type Leave = (connection: Connection) => Promise<void> | undefined;
