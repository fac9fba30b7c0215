import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Server } from "socket.io";

/**
 * A plain server as the protocol test suites expect it (its own sids, no cookies): `node reference-server.ts <port>
 * [host] [pingInterval] [pingTimeout]`. Engine.IO echoes at /engine.io/, Socket.IO answers at /socket.io/.
 */
const [port, host = "localhost", pingInterval = "300", pingTimeout = "200"] = process.argv.slice(2);
const options = { pingInterval: Number(pingInterval), pingTimeout: Number(pingTimeout), cors: { origin: "*" } };
const http = createServer((_request, response) => response.end("ready"));

const requireBesideSocketIo = createRequire(createRequire(import.meta.url).resolve("socket.io"));
const { Server: EngineServer } = requireBesideSocketIo("engine.io") as typeof import("engine.io");
const engine = new EngineServer({ ...options, maxHttpBufferSize: 1e6 });
engine.attach(http, { path: "/engine.io/" });
engine.on("connection", (socket) => {
  socket.on("data", (data: string | Buffer) => socket.send(data));
});

const io = new Server(http, { ...options, maxHttpBufferSize: 1e6, connectTimeout: 1_000, destroyUpgrade: false });
io.on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => {
    const ack = args.pop() as (...values: unknown[]) => void;
    ack(...args);
  });
});
io.of("/custom").on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
});

http.listen(Number(port), host);
