import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

/**
 * A typical chat: Socket.IO with its Redis adapter and plain session ids, a page, a REST endpoint and uploads. It has
 * no code for Hold the Line. It listens on PORT, uses the Redis of REDIS_URL and stops in order on SIGTERM.
 */
const { PORT = "3000", HOST = "0.0.0.0", REDIS_URL = "redis://127.0.0.1:6379", NODE_ID = "chat" } = process.env;
const uploadLimit = 20 * 1_024 * 1_024;
const rooms = ["lobby", "support"];

const publisher = createClient({ url: REDIS_URL, disableOfflineQueue: true });
const subscriber = createClient({ url: REDIS_URL });
for (const client of [publisher, subscriber]) client.on("error", ({ message }: Error) => log(`redis: ${message}`));
// A publish without Redis rejects, and the adapter discards its promise.
const publish = publisher.publish.bind(publisher);
publisher.publish = (async (...args: Parameters<typeof publish>) => {
  try {
    return await publish(...args);
  } catch (error) {
    log(`not published: ${(error as Error).message}`);
    return 0;
  }
}) as typeof publisher.publish;

const http = createServer((request, response) => {
  answer(request, response).catch(({ message }: Error) => {
    log(message);
    response.destroy();
  });
});
const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });

io.on("connection", (socket) => {
  socket.emit("welcome", { node: NODE_ID });
  socket.on("enter", async (room: unknown, done: unknown) => {
    await socket.join(String(room));
    if (typeof done === "function") done({ node: NODE_ID });
  });
  socket.on("message", (room: unknown, text: unknown) => void io.to(String(room)).emit("message", { room, text }));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://chat");
  if (pathname === "/health") return json(response, publisher.isReady ? 200 : 503, { node: NODE_ID });
  if (pathname === "/rooms" && request.method === "GET") return json(response, 200, { rooms });
  if (pathname === "/slow" && request.method === "GET") {
    setTimeout(() => json(response, 200, { node: NODE_ID }), 7_000);
    return;
  }
  if (pathname === "/uploads" && request.method === "POST") {
    let bytes = 0;
    for await (const chunk of request) {
      bytes += (chunk as Buffer).length;
      if (bytes > uploadLimit) return json(response, 413, { error: `over ${uploadLimit} bytes` });
    }
    return json(response, 201, { bytes, node: NODE_ID });
  }
  if (pathname === "/" || pathname === "/main.js") {
    const type = pathname === "/" ? "text/html" : "text/javascript";
    response.writeHead(200, { "content-type": type }).end(pathname === "/" ? page : script);
    return;
  }
  json(response, 404, { error: "no such page" });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

const page = '<!doctype html><title>Chat</title><ul id="log"></ul><script type="module" src="/main.js"></script>';
const script =
  'import { io } from "/socket.io/socket.io.esm.min.js";\nio().on("message", ({ text }) => log.append(text));\n';

await Promise.all([publisher.connect(), subscriber.connect()]);
http.listen(Number(PORT), HOST, () => log(`chat ${NODE_ID} listens on ${HOST}:${PORT}`));
process.on("SIGTERM", () => {
  io.close().then(() => process.exit(0));
});
