import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type Program, startProgram } from "../support/program.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";

/** The rules of Engine.IO v4 and Socket.IO v5, each tested on a plain server and on three servers behind the proxy. */
const servers: Program[] = [];
/** Long enough for the pongs of a busy machine, ms. */
const [pingInterval, pingTimeout] = [1_000, 1_500];
const origins = { direct: "", proxied: "" };
let proxy: ProxyProgram;
beforeAll(async () => {
  const replicas: { id: string; port: number }[] = [];
  for (const id of ["plain-1", "plain-2", "plain-3"]) {
    const port = await freePort();
    const args = [String(port), "127.0.0.1", String(pingInterval), String(pingTimeout)];
    servers.push(startProgram(process.execPath, ["test/conformance/reference-server.ts", ...args]));
    replicas.push({ id, port });
  }
  origins.direct = `http://127.0.0.1:${replicas[0]?.port}`;
  for (const { port } of replicas)
    await until("a plain server answers", async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);
  proxy = await startProxyProgram(replicas, { STICKY_KEY: "ip", PROXY_PATHS: "/engine.io/,/socket.io/" });
  origins.proxied = proxy.url;
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

const separator = "\x1e";

describe.each(["direct", "proxied"] as const)("%s", (way) => {
  const url = (path: string, query = "") => `${origins[way]}${path}?EIO=4&transport=polling${query}`;
  async function open(path = "/engine.io/"): Promise<string> {
    const text = await (await fetch(url(path))).text();
    expect(text[0]).toBe("0");
    return url(path, `&sid=${(JSON.parse(text.slice(1)) as { sid: string }).sid}`);
  }
  const post = async (session: string, body: string) => (await fetch(session, { method: "POST", body })).status;
  /** The next packets of a polling session, without pings. */
  async function next(session: string): Promise<string[]> {
    for (;;) {
      const response = await fetch(session);
      if (response.status !== 200) throw new Error(`poll: ${response.status}`);
      const packets = (await response.text()).split(separator).filter((packet) => packet !== "2");
      if (packets.length > 0) return packets;
      await post(session, "3");
    }
  }
  /** A WebSocket whose messages are kept in order. */
  function socketAt(target: string) {
    const socket = new WebSocket(target.replace("http", "ws").replace("transport=polling", "transport=websocket"));
    const messages: string[] = [];
    let closed = false;
    socket.on("message", (data, binary) => {
      const text = binary ? `b${(data as Buffer).toString("base64")}` : String(data);
      if (text === "2") socket.send("3");
      else messages.push(text);
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      closed = true;
    });
    return {
      opened: () => until("the socket is open", () => socket.readyState === WebSocket.OPEN, { withinMs: 3_000 }),
      send: (data: string | Buffer) => socket.send(data),
      next: (what: string) => until(what, () => messages.shift(), { withinMs: 3_000 }),
      closed: (what: string) => until(what, () => closed, { withinMs: 3_000 }),
      end: () => socket.terminate(),
    };
  }

  test("a polling handshake contains sid, upgrades and timing", async () => {
    const text = await (await fetch(url("/engine.io/"))).text();
    expect(JSON.parse(text.slice(1))).toEqual({
      sid: expect.any(String),
      upgrades: ["websocket"],
      pingInterval,
      pingTimeout,
      maxPayload: 1e6,
    });
  });

  test.each([
    ["no version", "GET", "/engine.io/?transport=polling"],
    ["a version that is none", "GET", "/engine.io/?EIO=x&transport=polling"],
    ["no transport", "GET", "/engine.io/?EIO=4"],
    ["an unknown transport", "GET", "/engine.io/?EIO=4&transport=pigeon"],
    ["a handshake by POST", "POST", "/engine.io/?EIO=4&transport=polling"],
    ["a handshake by PUT", "PUT", "/engine.io/?EIO=4&transport=polling"],
    ["an unknown session", "GET", "/engine.io/?EIO=4&transport=polling&sid=nobody"],
  ])("%s is refused with 400", async (_what, method, path) => {
    expect((await fetch(`${origins[way]}${path}`, { method })).status).toBe(400);
  });

  test("a payload of several packets, text and binary, comes back in order", async () => {
    const session = await open();
    expect(await post(session, ["4one", "bAQID", "4two"].join(separator))).toBe(200);
    const got: string[] = [];
    while (got.length < 3) got.push(...(await next(session)));
    expect(got).toEqual(["4one", "bAQID", "4two"]);
  });

  test("a malformed packet, and a second poll beside the first, close the session", async () => {
    const malformed = await open();
    await post(malformed, "abc");
    expect((await fetch(malformed)).status).toBe(400);
    const doubled = await open();
    const statuses = await Promise.all([fetch(doubled), fetch(doubled)].map(async (poll) => (await poll).status));
    expect(statuses).toContain(400);
    expect((await fetch(doubled)).status).toBe(400);
  });

  test("a client that aborts its poll has left", async () => {
    const session = await open();
    const abort = new AbortController();
    const poll = fetch(session, { signal: abort.signal });
    setTimeout(() => abort.abort(), 30);
    await expect(poll).rejects.toThrow("abort");
    // A second poll would close it too. Pongs keep a session, as long as its client has not left.
    await until("the session is closed", async () => (await post(session, "3")) === 400);
  });

  test("both transports require pongs, and silence ends the session", async () => {
    const session = await open();
    expect(await (await fetch(session)).text()).toBe("2");
    expect(await post(session, "3")).toBe(200);
    expect(await (await fetch(session)).text()).toBe("2");
    await until("the silent session is closed", async () => (await fetch(session)).status === 400);
    const silent = new WebSocket(url("/engine.io/").replace("http", "ws").replace("polling", "websocket"));
    let closed = false;
    silent.on("close", () => {
      closed = true;
    });
    await until("the silent socket is closed", () => closed);
  });

  test("a close packet ends a session and its open poll", async () => {
    const session = await open();
    const poll = fetch(session);
    expect(await post(session, "1")).toBe(200);
    expect(await (await poll).text()).toBe("6");
    expect((await fetch(session)).status).toBe(400);
  });

  test("a session upgrades by probe; afterwards it uses the WebSocket, and its polls are refused", async () => {
    const session = await open();
    const socket = socketAt(session);
    await socket.opened();
    socket.send("2probe");
    expect(await socket.next("the probe's answer")).toBe("3probe");
    socket.send("5");
    socket.send("4over");
    expect(await socket.next("the echo")).toBe("4over");
    socket.send(Buffer.from([1, 2, 3]));
    expect(await socket.next("the binary echo")).toBe("bAQID");
    expect((await fetch(session)).status).toBe(400);
    const second = socketAt(session);
    await second.closed("a second upgrade is refused");
    socket.end();
  });

  test("Socket.IO: namespaces connect with their auth, unknown ones are refused, a silent client is disconnected", async () => {
    const socket = socketAt(url("/socket.io/"));
    expect(await socket.next("the handshake")).toMatch(/^0/);
    socket.send('40{"token":"t"}');
    expect(await socket.next("connected")).toMatch(/^40\{"sid":"/);
    expect(await socket.next("the auth event")).toBe('42["auth",{"token":"t"}]');
    socket.send("40/custom,");
    expect(await socket.next("connected to /custom")).toMatch(/^40\/custom,\{"sid":"/);
    expect(await socket.next("its auth event")).toBe('42/custom,["auth",{}]');
    socket.send("40/nowhere,");
    expect(await socket.next("refused")).toBe('44/nowhere,{"message":"Invalid namespace"}');
    socket.end();
    await socketAt(url("/socket.io/")).closed("one that never connects is closed");
  });

  test("Socket.IO: events and acks, text and binary, are answered", async () => {
    const socket = socketAt(url("/socket.io/"));
    await socket.next("the handshake");
    socket.send("40");
    await socket.next("connected");
    await socket.next("the auth event");
    socket.send('42["message",1,"2",{"3":[true]}]');
    expect(await socket.next("the event back")).toBe('42["message-back",1,"2",{"3":[true]}]');
    socket.send('42456["message-with-ack","x"]');
    expect(await socket.next("the ack")).toBe('43456["x"]');
    socket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(Buffer.from([4]));
    expect(await socket.next("the binary event back")).toMatch(/^452-\["message-back"/);
    expect(await socket.next("its first attachment")).toBe("bAQID");
    expect(await socket.next("its second attachment")).toBe("bBA==");
    socket.end();
  });

  test("Socket.IO works the same over polling", async () => {
    const session = await open("/socket.io/");
    expect(await post(session, "40")).toBe(200);
    const got = await next(session);
    while (got.length < 2) got.push(...(await next(session)));
    expect(got[1]).toBe('42["auth",{}]');
    expect(await post(session, '427["message-with-ack",[]]')).toBe(200);
    expect(await next(session)).toEqual(["437[[]]"]);
  });
});
