import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { probe } from "./probe.ts";

/** The finding of a probe for this treatment of its connection. */
async function findingOf(onConnection: (socket: Socket) => void, timeoutMs = 2_000) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => socket.destroy()));
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await probe(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`), timeoutMs, {
      id: "signaling-1",
      readyHost: "127.0.0.1",
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
const answer = (status: string, body: string, headers = `Content-Length: ${body.length}\r\n`) =>
  `HTTP/1.1 ${status}\r\n${headers}\r\n${body}`;

test.each([
  ["our JSON says ready", answer("200 OK", '{"state":"ready"}'), "ready"],
  ["our JSON says degraded", answer("200 OK", '{"state":"degraded","reason":"no backplane"}'), "degraded"],
  ["draining counts whatever the status", answer("503 Service Unavailable", '{"state":"draining"}'), "draining"],
  ["a 2xx without our JSON is ready", answer("200 OK", "fine"), "ready"],
  ["the replica's own name", answer("200 OK", '{"node":"signaling-1","state":"degraded"}'), "degraded"],
  ["another replica at its address is none", answer("200 OK", '{"node":"signaling-2","state":"ready"}'), "failed"],
  ["draining under another replica's name is none", answer("503 No", '{"node":"b","state":"draining"}'), "failed"],
  ["an application's own node", answer("200 OK", '{"node":"v24","state":"fine"}'), "ready"],
  ["a 204 has no body to wait for", answer("204 No Content", "", ""), "ready"],
])("%s, though the connection stays open", async (_name, text, kind) => {
  expect(await findingOf((socket) => socket.write(text))).toMatchObject({ kind });
});

test("an answer in pieces without a length ends with the connection", async () => {
  const finding = await findingOf((socket) => {
    socket.setNoDelay(true).write("HTTP/1.1 200 OK\r\nContent-Type: applic");
    setTimeout(() => socket.write('ation/json\r\n\r\n{"state":"degr'), 20);
    setTimeout(() => socket.end('aded"}'), 40);
  });
  expect(finding).toEqual({ kind: "degraded" });
});

test.each<[string, (socket: Socket) => void, string]>([
  ["a status that is no 2xx", (socket) => socket.write(answer("500 Oops", "")), "status"],
  ["starting", (socket) => socket.write(answer("200 OK", '{"state":"starting"}')), "status"],
  ["an end before the head", (socket) => socket.end("HTTP/1.1 200"), "error"],
  ["an answer that is not HTTP", (socket) => socket.end("SSH-2.0-x\r\n\r\n"), "error"],
  ["a reset", (socket) => socket.resetAndDestroy(), "reset"],
])("%s is a failure", async (_name, onConnection, cause) => {
  expect(await findingOf(onConnection)).toMatchObject({ kind: "failed", cause, detail: expect.stringMatching(/./) });
});

test("another replica's name is told in one printable line", async () => {
  const body = String.raw`{"node":"b\u001b[2J\n\u009b\u202e","state":"ready"}`;
  expect(await findingOf((socket) => socket.write(answer("200 OK", body)))).toMatchObject({
    detail: "another replica answers there: b\\u001b[2J\\n\\u009b\\u202e",
  });
});

test("a refused connection and a time-out have different causes", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  await once(closed.close(), "close");
  expect(await probe(new URL(`http://127.0.0.1:${port}/readyz`), 500, { readyHost: "127.0.0.1" })).toMatchObject({
    kind: "failed",
    cause: "refused",
  });
  const startedAt = performance.now();
  expect(await findingOf(() => undefined, 200)).toMatchObject({ kind: "failed", cause: "timeout" });
  expect(performance.now() - startedAt).toBeGreaterThan(150);
});
