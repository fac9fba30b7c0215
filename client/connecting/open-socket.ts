import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "../../common/protocol.ts";
import { NAMESPACE, SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import type { SignalingOptions } from "../signaling-contract.ts";
import { type BaseUrl, isCrossOrigin } from "./base-url.ts";

export type SignalingSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/**
 * Makes a Socket.IO socket for the signaling namespace, not connected yet and without its own reconnection.
 *
 * @param timeoutMs time-out of the connect
 * @param token token of the next connection
 */
export function openSocket(
  { transports = "default", cookies, query }: SignalingOptions,
  { origin, prefix }: BaseUrl,
  timeoutMs: number,
  token: () => string | undefined,
): SignalingSocket {
  return io(`${origin}${NAMESPACE}`, {
    path: `${prefix}${SOCKET_IO_PATH}`,
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: timeoutMs,
    // If the server allows any origin, a browser blocks every answer to a request with credentials (Fetch, 3.3.5).
    withCredentials: cookies ?? !isCrossOrigin(origin),
    ...(transports === "default" ? {} : { transports: [transports] }),
    ...(query === undefined ? {} : { query }),
    auth: (give) => {
      const current = token();
      give(current === undefined ? {} : { token: current });
    },
  });
}

/**
 * Lets the next connection of the socket go to this address. Socket.IO's client has no way to say so: its manager makes
 * each connection from the two fields that are set here.
 *
 * @throws TypeError if its manager has no such field: it would connect to the first address for ever
 */
export function pointTo({ io: manager }: SignalingSocket, { origin, prefix }: BaseUrl, cookies?: boolean): void {
  if (!("uri" in manager)) throw new TypeError("socket.io-client's manager has no uri: its version is not supported");
  Object.assign(manager, { uri: origin });
  manager.opts.path = `${prefix}${SOCKET_IO_PATH}`;
  manager.opts.withCredentials = cookies ?? !isCrossOrigin(origin);
}
