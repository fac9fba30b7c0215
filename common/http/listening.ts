import type { Server } from "node:http";
import type { AddressInfo, ListenOptions, Server as TcpServer } from "node:net";

/** Binds a server. Resolves with the bound address; rejects with the system's error (EADDRINUSE …). */
export function listenOn(server: TcpServer, options: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => resolve(server.address() as AddressInfo));
  });
}

/** Ends a server at once, connections included. */
export function closeAtOnce(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
