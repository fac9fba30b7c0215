import { NAMESPACE, SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import type { BaseUrl } from "./base-url.ts";
import type { SignalingSocket } from "./open-socket.ts";

/** Separator of the packets in a polling payload (Engine.IO protocol 4). */
const separator = "\x1e";
/** A beacon has arrived after this time, ms. */
const beaconMs = 1_000;

/**
 * Sends `bye` and `leave` while the page closes and no asynchronous work runs any more. A WebSocket accepts a frame at
 * once. The browser cancels a poll with the page, but not a beacon, which the session accepts as a poll.
 *
 * @param address that of the open connection
 * @returns time for which the socket must say no more, ms. On polling its own last packet would be a request of its own,
 *   which can overtake the beacon. A page that is gone never sends it.
 */
export function sayLastWords(socket: SignalingSocket, { origin, prefix }: BaseUrl, roomId: string): number {
  const { engine } = socket.io;
  if (engine.transport.name !== "polling" || typeof navigator === "undefined" || navigator.sendBeacon === undefined) {
    const ignored = () => undefined;
    socket.emit("bye", { roomId }, ignored);
    socket.emit("leave", roomId, ignored);
    return 0;
  }
  const packets = [
    ["bye", { roomId }],
    ["leave", roomId],
  ].map((event) => `42${NAMESPACE},${JSON.stringify(event)}`);
  const query = new URLSearchParams({ EIO: "4", transport: "polling", sid: engine.id ?? "" });
  navigator.sendBeacon(`${origin}${prefix}${SOCKET_IO_PATH}?${query}`, packets.join(separator));
  return beaconMs;
}
