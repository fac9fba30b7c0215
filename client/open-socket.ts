import { io, type Socket } from "socket.io-client";
import { type ClientToServerEvents, NAMESPACE, type ServerToClientEvents, SOCKET_IO_PATH } from "../common/protocol.ts";
import type { SignalingOptions } from "./signaling-contract.ts";

export type SignalingSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/**
 * A Socket.IO socket to the signaling namespace, not connected yet and without reconnection of its own.
 *
 * @param timeoutMs longest time that connecting may take
 * @param onTokenError told why `options.token` gave none; the connection is tried without
 */
export function openSocket(
  { url, transports = "default", cookies = true, query, token }: SignalingOptions,
  timeoutMs: number,
  onTokenError: (message: string) => void,
): SignalingSocket {
  return io(new URL(NAMESPACE, url).href, {
    path: SOCKET_IO_PATH,
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: timeoutMs,
    withCredentials: cookies,
    ...(transports === "default" ? {} : { transports: [transports] }),
    ...(query === undefined ? {} : { query }),
    auth: (give) => {
      if (token === undefined) give({});
      else
        Promise.resolve(typeof token === "string" ? token : token()).then(
          (fresh) => give({ token: fresh }),
          (error: unknown) => {
            onTokenError(String(error));
            give({});
          },
        );
    },
  });
}
