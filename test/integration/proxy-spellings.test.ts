import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange, openTunnel, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, switching, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

/** The proxy must treat different spellings of the same value alike. */
let upstreams: Upstream[];
let proxy: ProxyProgram;
async function start(env: Record<string, string> = {}, options: UpstreamOptions = {}, count = 1): Promise<Upstream> {
  const ids = Array.from({ length: count }, (_, index) => `signaling-${index + 1}`);
  upstreams = await Promise.all(ids.map((id) => startUpstream(id, options)));
  proxy = await startProxyProgram(upstreams, env);
  return upstreams[0] as Upstream;
}
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
});
const eio = "/socket.io/?EIO=4&transport=polling";
const get = (target: string, headers: readonly string[] = []) =>
  exchange(
    proxy.port,
    [`GET ${target} HTTP/1.1`, "Host: calls.example", "Connection: close", ...headers, "", ""].join("\r\n"),
  );

/** Status of an upgrade with these headers: 101, or that of its refusal. */
const upgraded = (headers: readonly string[]) =>
  openTunnel(proxy.port, "/ws", headers).then(
    ({ socket }) => {
      socket.destroy();
      return 101;
    },
    (error: Error) => Number(/^HTTP\/1\.1 (\d{3})/.exec(error.message)?.[1]),
  );

const twoReadings = [
  ...["&sid=", "&sid", "&s%69d=", "&sid=signaling-2.x&sid=", "&sid=&sid=signaling-2.x"],
  ...["&sid=signaling-2.x&%73id=signaling-1.x", "&EIO=3", "&%45IO=4", "&transport=websocket", "&transpor%74="],
].map((more) => `${eio}${more}`);

test("an ambiguous query is refused with 400 and reaches no replica", async () => {
  const upstream = await start();
  for (const target of [...twoReadings, "/socket.io/?EIO=&transport=polling"]) {
    const answer = await get(target);
    expect([target, answer.status]).toEqual([target, 400]);
    expect(answer.text).toMatch(/"code":3/);
    expect([target, (await exchange(proxy.port, upgradeRequest(target))).status]).toEqual([target, 400]);
  }
  expect(upstream.seen).toEqual([]);
});

test.each([
  "EIO=4&transport=polling",
  "%45IO=4&transport=polling",
  "E%49%4f=4&transport=polling",
  "transport=polling",
  "EIO=4",
])("sessions opened by %s are admitted at the rate of the plain form", async (query) => {
  const upstream = await start({ MAX_SESSIONS_PER_CLIENT_PER_SECOND: "20", ADMIT_PER_SECOND: "10000" });
  const startedAt = performance.now();
  const statuses: number[] = [];
  for (let round = 0; round < 10; round++) {
    const ask = async () => statuses.push((await fetch(`${proxy.url}/socket.io/?${query}&SID=a&sid[]=b`)).status);
    await Promise.all(Array.from({ length: 30 }, ask));
  }
  const share = 20 + (20 * (performance.now() - startedAt)) / 1_000;
  expect(upstream.seen.length).toBeLessThanOrEqual(1.05 * share + 1);
  expect(statuses.filter((status) => status === 200)).toHaveLength(upstream.seen.length);
  expect(statuses).toContain(503);
});

test("no sid leads a new session to a replica of the client's choice", async () => {
  await start({ ADMIT_PER_SECOND: "10000" }, {}, 3);
  const reached = async (query: string) => {
    const answer = await fetch(`${proxy.url}${eio}${query}`, { headers: { cookie: "sticky=x" } });
    return { status: answer.status, id: ((await answer.json()) as { id?: string }).id };
  };
  const { id: home } = await reached("");
  for (const other of ["signaling-1", "signaling-2", "signaling-3"]) {
    for (const query of [
      `&SID=${other}.x`,
      `&sid[]=${other}.x`,
      `&sid;=${other}.x`,
      `;sid=${other}.x`,
      `&%2573id=${other}.x`,
    ])
      expect(await reached(query)).toEqual({ status: 200, id: home });
    for (const query of [`&sid=${other}.x&sid=`, `&sid=&sid=${other}.x`])
      expect((await reached(query)).status).toBe(400);
  }
});

const asFrom = (address: string) =>
  fetch(`${proxy.url}${eio}`, { headers: { "x-forwarded-for": address } }).then(({ status }) => status);

test.each([
  [
    "spellings of one IPv4 address",
    ["203.0.113.5", "203.0.113.5:80", "::ffff:203.0.113.5", "::FFFF:CB00:7105", "[::ffff:cb00:7105]:1"],
  ],
  ["200 addresses of one /64", Array.from({ length: 200 }, (_, n) => `2001:DB8:0:1::${(n + 1).toString(16)}`)],
  ["zones and ports of one IPv6 address", ["fe80::1%1", "fe80::1%eth0", "[FE80::1]", '"[fe80:0::1]:443"']],
])("%s share the limits of one client", async (_what, addresses) => {
  await start({ MAX_SESSIONS_PER_CLIENT_PER_SECOND: "10", TRUSTED_PROXIES: "127.0.0.1" });
  const startedAt = performance.now();
  const asked = Array.from({ length: 200 }, (_, n) => asFrom(addresses[n % addresses.length] as string));
  const admitted = (await Promise.all(asked)).filter((status) => status === 200).length;
  expect(admitted).toBeLessThanOrEqual(1.05 * (10 + (10 * (performance.now() - startedAt)) / 1_000));
  expect(admitted).toBeGreaterThanOrEqual(10);
  expect(await asFrom("2001:db8:0:2::1")).toBe(200);
});

test("CLIENT_IPV6_PREFIX=128 distinguishes the addresses of a /64", async () => {
  await start({ MAX_SESSIONS_PER_CLIENT_PER_SECOND: "1", TRUSTED_PROXIES: "127.0.0.1", CLIENT_IPV6_PREFIX: "128" });
  for (const address of ["2001:db8::1", "2001:db8::2", "2001:db8::3"]) expect(await asFrom(address)).toBe(200);
});

test("an impossible path is answered at once, without a try and without an error line", async () => {
  // No probe is late: that would be a warning too.
  await start({ PROBE_TIMEOUT_MS: "5000" }, {}, 3);
  for (const path of ["/assets/%zz", "/assets/%", "/assets/a%2", "/assets/%u0041"])
    expect([path, (await get(path)).status]).toEqual([path, 400]);
  expect(upstreams.flatMap(({ seen }) => seen)).toEqual([]);
  expect((await get("/assets/%E9")).status).toBe(200);
  expect(proxy.program.output()).not.toMatch(/"level":"(error|warn)"/);
});

test("what an answer's own Connection names stays at the replica's side, on 200 and on 101", async () => {
  const hops = { connection: "keep-alive, X-Hop", "x-hop": "1", "x-end": "2", "keep-alive": "timeout=9" };
  await start(
    {},
    {
      onRequest: (_incoming, response) => response.writeHead(200, hops).end("ok"),
      onUpgrade: (_request, socket) =>
        socket.write(switching.replace("Connection: Upgrade", "Connection: Upgrade, X-Hop\r\nX-Hop: 1\r\nX-End: 2")),
    },
  );
  for (const head of [(await get("/")).text, (await openTunnel(proxy.port)).head]) {
    expect(head).toMatch(/x-end: 2/i);
    expect(head).not.toMatch(/x-hop|timeout=9/i);
  }
});

test("an upgrade with Content-Length: 0 passes, and the replica gets no length", async () => {
  const upstream = await start();
  expect(await upgraded(["Content-Length: 0"])).toBe(101);
  expect(upstream.seen.at(-1)?.headers).not.toHaveProperty("content-length");
  expect(await upgraded(["Content-Length: 1"])).toBe(400);
});

test.each([
  ["at once", (chunks: string[]) => [chunks.join("")]],
  ["in pieces", (chunks: string[]) => chunks],
])("a refusal of an upgrade with a chunked body, %s: decoded and closed at its end", async (_how, cut) => {
  await start(
    {},
    {
      onUpgrade(_request, socket) {
        socket.write("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nX-Why: not you\r\n\r\n");
        const pieces = cut(["5\r\nhel", "lo\r\n6;x=1\r", "\n world\r\n0\r\n", "X-Trailer: 1\r\n\r\n"]);
        for (const [index, piece] of pieces.entries()) setTimeout(() => socket.write(piece), 30 * (index + 1));
      },
    },
  );
  const startedAt = performance.now();
  const answer = await exchange(proxy.port, upgradeRequest());
  expect(answer).toMatchObject({ status: 403, closed: true });
  expect(answer.text).toMatch(/x-why: not you/i);
  expect(answer.text).not.toMatch(/transfer-encoding|x-trailer/i);
  expect(answer.text.split("\r\n\r\n")[1]).toBe("hello world");
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test("of two cookies with the sticky name the first well-formed one decides, quoted or not", async () => {
  await start({}, {}, 3);
  const ours = Array.from({ length: 12 }, (_, n) => `${"abcdefghijklmnopqrst"}${n + 10}`);
  const home = async (cookie: string) => {
    const answer = await fetch(proxy.url, { headers: { cookie } });
    expect([cookie, answer.headers.get("set-cookie")]).toEqual([cookie, null]);
    return ((await answer.json()) as { id: string }).id;
  };
  for (const id of ours) {
    const own = await home(`sticky=${id}`);
    for (const cookie of [
      `sticky=%7Bforeign%7D; sticky=${id}`,
      `sticky=foreign; sticky="${id}"`,
      `sticky="a b";sticky = ${id}`,
    ])
      expect(await home(cookie)).toBe(own);
  }
});

const protos: [name: string, value: string, secure: boolean][] = [
  ["X-Forwarded-Proto", "https", true],
  ["X-Forwarded-Proto", "HTTPS", true],
  ["X-Forwarded-Proto", "wss", true],
  ["X-Forwarded-Proto", "https, http", true],
  ["X-Forwarded-Proto", "http, https", false],
  ["Forwarded", 'for=203.0.113.5;proto="https"', true],
  ["Forwarded", "for=203.0.113.5;proto=http", false],
];

test("the cookie is Secure if a trusted proxy says, in any spelling, that the client uses TLS", async () => {
  const upstream = await start({ TRUSTED_PROXIES: "127.0.0.0/8" });
  for (const [name, value, secure] of protos) {
    const setCookie = (await fetch(proxy.url, { headers: { [name]: value } })).headers.get("set-cookie") ?? "";
    expect([name, value, setCookie.endsWith("; Secure")]).toEqual([name, value, secure]);
    const { headers } = upstream.seen.at(-1) as { headers: Record<string, string> };
    expect(headers["x-forwarded-proto"]).toBe(secure ? "https" : "http");
    expect(headers["x-forwarded-for"]).toBe(name === "Forwarded" ? "203.0.113.5, 127.0.0.1" : "127.0.0.1");
  }
});

const origins = { ALLOWED_ORIGINS: "https://app.example", TRUSTED_PROXIES: "127.0.0.1" };
const askedFrom: [what: string, headers: string[], status: number][] = [
  ["the default port named", ["Origin: https://calls.example:443"], 101],
  ["plain HTTP", ["Origin: http://calls.example"], 101],
  ["a native client's scheme", ["Origin: wss://calls.example"], 101],
  ["upper case", ["Origin: HTTPS://Calls.Example"], 101],
  ["another port", ["Origin: https://calls.example:8443"], 403],
  ["an allowed origin in another spelling", ["Origin: https://APP.example:443"], 101],
  ["a Host rewritten by a trusted proxy", ["Origin: https://x.example", "X-Forwarded-Host: x.example:443"], 101],
  ["a list of them", ["Origin: https://x.example", "X-Forwarded-Host: x.example, y.example"], 101],
  ["another site", ["Origin: https://evil.example"], 403],
  ["an opaque origin", ["Origin: null"], 403],
];

test("host and port of an Origin are compared in any spelling", async () => {
  await start(origins);
  for (const [what, headers, status] of askedFrom) expect([what, await upgraded(headers)]).toEqual([what, status]);
});

test("the first refusal of an origin is logged with both values and the setting", async () => {
  await start(origins);
  for (let i = 0; i < 3; i++) await exchange(proxy.port, upgradeRequest("/ws", ["Origin: https://evil.example"]));
  const lines = () =>
    proxy.program
      .output()
      .split("\n")
      .filter((line) => line.includes("https://evil.example"));
  await until("it is logged", () => lines().length > 0);
  expect(lines()).toHaveLength(1);
  expect(JSON.parse(lines()[0] as string)).toMatchObject({
    origin: "https://evil.example",
    host: "calls.example",
    msg: expect.stringMatching(/ALLOWED_ORIGINS.*TRUSTED_PROXIES/),
  });
});
