import type { Socket } from "socket.io";
import type { WebSocket } from "ws";
import type { ServerToClientEvents } from "../../../common/protocol.ts";
import type { Limits } from "../intake/limits.ts";
import type { Pace } from "../intake/pace.ts";
import type { PollingTransport } from "../intake/poll-body.ts";
import type { SessionIntake } from "../intake/session-intake.ts";
import type { Grant } from "../rooms/authorize.ts";
import type { Recovered } from "../rooms/switchboard.ts";
import { type Connection, closesWithinMs } from "./connection.ts";
import { peerRoomOf, roomOf } from "./socketio-delivery.ts";

/** A Socket.IO socket as the room rules see it. A class: functions of its own would be most of its memory. */
export class SocketIoConnection implements Connection {
  readonly kind = "socketio";
  readonly socket: Socket;
  readonly grant: Grant | null;
  readonly traceId: string | undefined;
  readonly limits: Limits;
  readonly pace: Pace;
  readonly rooms = new Set<string>();
  peerId: string | null = null;
  /** Runs while its token is valid. */
  expiring: NodeJS.Timeout | undefined;
  /** Its session may be recovered elsewhere, by what it has on record. */
  readonly #recovers: boolean;

  constructor(
    socket: Socket,
    given: { grant: Grant | null; traceId: string | undefined; intake: SessionIntake; recovers: boolean },
  ) {
    this.socket = socket;
    this.grant = given.grant;
    this.traceId = given.traceId;
    this.limits = given.intake.limits;
    this.pace = given.intake.pace;
    this.#recovers = given.recovers;
  }

  send(event: keyof ServerToClientEvents, data: unknown): void {
    this.socket.emit(event, data);
  }
  enter(roomId: string, peerId: string): void {
    this.#record(peerId);
    void this.socket.join([roomOf(roomId), peerRoomOf(peerId)]);
  }
  exit(roomId: string): void {
    this.#record(this.peerId);
    void this.socket.leave(roomOf(roomId));
  }
  #record(peerId: string | null): void {
    if (!this.#recovers || peerId === null) return;
    const subject = this.grant?.subject ?? null;
    this.socket.data = { peerId, subject, rooms: [...this.rooms] } satisfies Recovered;
  }
  disconnect(): void {
    this.socket.conn.close();
    this.#endSoon();
  }
  terminate(): void {
    this.socket.disconnect(true);
    this.#endSoon();
  }
  /**
   * Engine.IO waits up to 30 s for another poll, and longer while a packet waits with it. The closing handshake of a
   * WebSocket takes up to 30 s.
   */
  #endSoon(): void {
    setTimeout(() => {
      const { conn } = this.socket;
      conn.close(true);
      const transport = conn.transport as unknown as Pick<PollingTransport, "onClose"> & { socket?: WebSocket };
      if (transport.socket !== undefined) transport.socket.terminate();
      else if (conn.readyState !== "closed") transport.onClose();
    }, closesWithinMs).unref();
  }
}
