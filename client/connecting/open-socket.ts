import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "../../common/protocol.ts";
import { NAMESPACE, SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import type { SignalingOptions } from "../signaling-contract.ts";
import { isCrossOrigin, splitBaseUrl } from "./base-url.ts";

export type SignalingSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/**
 * A Socket.IO socket to the signaling namespace, not connected yet and without reconnection of its own.
 *
 * @param timeoutMs longest time that connecting may take
 * @param token what the next connection presents
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
    // A browser blocks every answer to a request with credentials where the server allows any origin (Fetch, 3.3.5).
    withCredentials: cookies ?? !isCrossOrigin(origin),
    ...(transports === "default" ? {} : { transports: [transports] }),
    ...(query === undefined ? {} : { query }),
    auth: (give) => {
      const current = token();
      give(current === undefined ? {} : { token: current });
    },
  });
}
