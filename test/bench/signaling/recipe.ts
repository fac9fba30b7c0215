import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

/**
 * A user's alternative: rooms, the Redis adapter and a relay, as in Socket.IO's guide. `node recipe.ts <name> <port>
 * <Redis URL> <pubsub|sharded>`
 */
const [name, port, url, backplane] = process.argv.slice(2);
const publisher = createClient({ url: url ?? "" });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);
const adapter =
  backplane === "sharded" ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber);
const http = createServer();
const io = new Server(http, { adapter, serveClient: false });

io.of("/signaling").on("connection", (socket) => {
  socket.on("join", (room: string, ack: (answer: unknown) => void) => {
    void socket.join(room);
    ack({ ok: true, node: name, peers: [] });
  });
  for (const event of ["offer", "answer", "candidate", "bye"])
    socket.on(event, (signal: { roomId: string }, ack?: (answer: unknown) => void) => {
      socket.to(signal.roomId).emit(event, { ...signal, from: socket.id });
      ack?.({ ok: true });
    });
});
http.listen(Number(port), "127.0.0.1");
