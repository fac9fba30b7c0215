import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "../../common/protocol.ts";
import { NAMESPACE, SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import type { SignalingOptions } from "../signaling-contract.ts";
import { isCrossOrigin, splitBaseUrl } from "./base-url.ts";

export type SignalingSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/**
 * Makes a Socket.IO socket for the signaling namespace, not connected yet and without its own reconnection.
 *
 * @param timeoutMs time-out of the connect
 * @param token token of the next connection
 */
export function openSocket(
  { url, transports = "default", cookies, query }: SignalingOptions,
  timeoutMs: number,
  token: () => string | undefined,
): SignalingSocket {
  const { origin, prefix } = splitBaseUrl(url);
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
