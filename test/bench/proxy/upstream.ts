import { createServer } from "node:http";

/** The upstream of the benchmark: echoes tunnels byte by byte and answers polls at once. `<port>` */
const server = createServer((request, response) => {
  if (request.url === "/readyz") response.setHeader("content-type", "application/json").end('{"state":"ready"}');
  else response.end('4{"a":"long-polling answer of some eighty bytes, as a small signal would be"}');
});
server.keepAliveTimeout = 30_000;
server.on("upgrade", (_request, socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on("drain", () => socket.resume());
  socket.on("end", () => socket.end());
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
  );
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4_096 });
