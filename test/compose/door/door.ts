import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// In a network namespace with only the loopback interface, a browser keeps every WebRTC packet there, but cannot reach
// the ports that Docker publishes outside. Unix sockets work across namespaces:
//
//   browser → 127.0.0.1:PORT (namespace) → DIR/PORT.sock → 127.0.0.1:PORT (host) → container

/** Opens the host's side for these ports. The door closes with the test. */
export async function openDoor(ports: readonly number[]): Promise<{ dir: string } & AsyncDisposable> {
  const dir = mkdtempSync(join(tmpdir(), "door-"));
  const sockets = new Set<Socket>();
  const servers = await Promise.all(
    ports.map((port) => relay(join(dir, `${port}.sock`), () => createConnection(port, "127.0.0.1"), sockets)),
  );
  // The namespace's side holds a connection here and ends with it.
  const life = createServer((socket) => void sockets.add(socket.on("error", () => socket.destroy()).resume()));
  await new Promise<void>((resolve, reject) => life.once("error", reject).listen(join(dir, "life.sock"), resolve));
  servers.push(life);
  return {
    dir,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Listens at `at` and pairs each connection with one from `open`. The end of one ends the other. */
export function relay(at: string | number, open: () => Socket, sockets: Set<Socket>): Promise<Server> {
  const server = createServer((socket) => {
    const other = open();
    for (const [one, mate] of [
      [socket, other],
      [other, socket],
    ] as const) {
      sockets.add(one);
      // Any end of one is passed to the other.
      one.on("error", () => one.destroy());
      one.on("close", () => {
        sockets.delete(one);
        mate.destroy();
      });
    }
    socket.pipe(other).pipe(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const listening = () => resolve(server);
    if (typeof at === "number") server.listen(at, "127.0.0.1", listening);
    else server.listen(at, listening);
  });
}
