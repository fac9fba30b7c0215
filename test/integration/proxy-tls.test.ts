import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { readSlowly, writeUnevenly } from "../support/load/byte-check.ts";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnelOn, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let dir: string;
let tlsPort: number;
let upstream: Upstream;
let proxy: ProxyProgram;

function makeCertificate(name: string): void {
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-keyout", join(dir, `${name}.key`), "-out", join(dir, `${name}.crt`)],
    ],
    { stdio: "ignore" },
  );
}
function install(name: string): void {
  copyFileSync(join(dir, `${name}.key`), join(dir, "tls.key"));
  copyFileSync(join(dir, `${name}.crt`), join(dir, "tls.crt"));
}
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "proxy-tls-"));
  for (const name of ["first", "second"]) makeCertificate(name);
  install("first");
  tlsPort = await freePort();
  upstream = await startUpstream("signaling-1");
  proxy = await startProxyProgram([upstream], {
    TLS_CERT: join(dir, "tls.crt"),
    TLS_KEY: join(dir, "tls.key"),
    PROXY_TLS_PORT: String(tlsPort),
    LOG_LEVEL: "info",
  });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

async function open(): Promise<TLSSocket> {
  const socket = connect({ port: tlsPort, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return socket;
}
/** Common name of the certificate of a new connection. */
async function shownName(): Promise<unknown> {
  const socket = await open();
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}
async function tunnel(): Promise<{ socket: TLSSocket; read(): string }> {
  const socket = await open();
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.write(upgradeRequest());
  await until("the tunnel is open", () => text.includes("\r\n\r\n"));
  return { socket, read: () => text };
}

test("over TLS the cookie is Secure, on HTTP and on the 101, and replicas hear https", async () => {
  const outgoing = request({ port: tlsPort, host: "127.0.0.1", rejectUnauthorized: false }).end();
  const [answer] = await once(outgoing, "response");
  answer.resume();
  expect(answer.headers["set-cookie"][0]).toMatch(/; Secure$/);
  expect(upstream.seen.at(-1)?.headers["x-forwarded-proto"]).toBe("https");
  const { socket, read } = await tunnel();
  expect(read()).toMatch(/^HTTP\/1\.1 101 .*set-cookie: sticky=[^\r]*; Secure\r\n/is);
  socket.destroy();
});

test("tunnels with slow readers: every byte comes back in order", async () => {
  const total = 4_000_000;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const { socket } = await openTunnelOn(await open());
      const [sent, got] = await Promise.all([writeUnevenly(socket, total), readSlowly(socket, total)]);
      socket.destroy();
      expect(got).toBe(sent);
    }),
  );
});

test("SIGHUP loads a new certificate and drops no tunnel; a broken one is refused and the old one stays", async () => {
  const { socket, read } = await tunnel();
  expect(await shownName()).toBe("first");
  install("second");
  proxy.program.kill("SIGHUP");
  await until("new connections see the new one", async () => (await shownName()) === "second");
  socket.write("still here");
  await until("the old tunnel still echoes", () => read().endsWith("still here"));

  copyFileSync(join(dir, "first.key"), join(dir, "tls.key"));
  proxy.program.kill("SIGHUP");
  await until("it says why", () => proxy.program.output().includes("the old one stays"));
  expect(await shownName()).toBe("second");
  socket.write("and now");
  await until("the old tunnel still echoes", () => read().endsWith("and now"));
  socket.destroy();
});

test("the plain port redirects every method to it and proxies nothing", async () => {
  const seen = upstream.seen.length;
  const answer = await fetch(`${proxy.url}/socket.io/?EIO=4`, { redirect: "manual" });
  expect(answer.status).toBe(308);
  expect(answer.headers.get("location")).toBe(`https://127.0.0.1:${tlsPort}/socket.io/?EIO=4`);
  expect(upstream.seen).toHaveLength(seen);
});

test("requests that are pipelined are answered in order, and an upgrade behind them opens a tunnel", async () => {
  const socket = await open();
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  const get = (n: number) => `GET /?n=${n} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const post = `POST /socket.io/?EIO=4&n=2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${get(9).length}\r\n\r\n${get(9)}`;
  socket.write(`${get(1)}${post}${get(3)}${upgradeRequest()}behind it`);
  await until("the tunnel echoes", () => text.endsWith("behind it"));
  expect([...text.matchAll(/n=(\d)/g)].map(([, n]) => n)).toEqual(["1", "2", "3"]);
  socket.destroy();
});

test("300 handshakes in the same moment: more than one turn of the event loop takes, and all are served", async () => {
  const plain = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const socket = connectTcp(tlsPort, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    }),
  );
  const answers = plain.map(async (socket) => {
    const secure = connect({ socket, rejectUnauthorized: false });
    await once(secure, "secureConnect");
    secure.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const [answer] = await once(secure, "data");
    secure.destroy();
    return String(answer).slice(0, 15);
  });
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["HTTP/1.1 200 OK"]));
});

test("plain HTTP on the TLS port, and half a TLS hello, do no harm", async () => {
  const name = await shownName();
  await expect(fetch(`http://127.0.0.1:${tlsPort}/`)).rejects.toThrow();
  const half = connectTcp(tlsPort, "127.0.0.1");
  await once(half, "connect");
  half.end(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  await once(half.resume(), "close");
  expect(await shownName()).toBe(name);
  expect(proxy.program.child.exitCode).toBeNull();
});
