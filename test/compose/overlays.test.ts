import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { factsOf } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { callUp, startEnclosedBrowser } from "./call.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { joinApart, type Peer, sendNumbered } from "./peers.ts";

const certs = mkdtempSync(join(tmpdir(), "certs-"));
/** Below the system's range of outgoing ports, and outside the ports of the tests' stacks. */
const relayPorts = "30900-30939";
const root = join(import.meta.dirname, "../..");
const makeCerts = () =>
  execFileSync("sh", ["deploy/tls/certs.sh"], {
    cwd: root,
    env: { ...process.env, CERTS_DIR: certs },
    stdio: ["ignore", "ignore", "inherit"],
  });

/** Secrets with a newline from an editor, and with special characters of shells, URLs and JSON. */
const awkward = {
  REDIS_PASSWORD: `it's a "pass\\word" of 100 % $HOME é/@:#\r\n`,
  REDIS_WATCH_PASSWORD: `w"a\\t'c h\n\n`,
  ADMIN_TOKEN: "an-admin-token-of-some-length\n",
  RESUME_SECRET: `resume "secret" \\ of some length\n`,
  TURN_SECRET: "turn secret of some length\r\n",
};

/**
 * A copy of the checkout like a clone under umask 077, and a Docker context with its own socket, like a rootless
 * engine's.
 */
function closedCheckout(): { checkout: string; env: Record<string, string> } {
  const checkout = mkdtempSync(join(tmpdir(), "closed-"));
  execFileSync(
    "sh",
    ["-c", 'umask 077; git ls-files -z | xargs -0 cp --parents --no-preserve=mode -t "$0"', checkout],
    {
      cwd: root,
    },
  );
  mkdirSync(join(checkout, ".secrets"));
  for (const [name, value] of Object.entries(awkward)) writeFileSync(join(checkout, ".secrets", name), value);
  const context = `hold-the-line-test-${process.pid}`;
  const socket = join(checkout, "engine.sock");
  symlinkSync("/var/run/docker.sock", socket);
  docker("context", "create", context, "--docker", `host=unix://${socket}`);
  return { checkout, env: { DOCKER_CONTEXT: context } };
}

let closed: ReturnType<typeof closedCheckout>;
let stack: ComposeStack;
let tlsPort: number;
const peers: Peer[] = [];
beforeAll(async () => {
  makeCerts();
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(join(certs, "ca.pem"), "utf8")]);
  closed = closedCheckout();
  stack = await startComposeStack({
    checkout: closed.checkout,
    overlays: ["tls", "turn", "chaos"],
    // Both ends of a relayed call are relay addresses of coturn's own container.
    env: { ...closed.env, CERTS_DIR: certs, TURN_RELAY_PORTS: relayPorts, TURN_ALLOW_PRIVATE: "1" },
  });
  tlsPort = stack.port("PROXY_TLS_PORT");
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map(({ client }) => client.close()));
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  if (closed !== undefined) {
    docker("context", "rm", "--force", closed.env["DOCKER_CONTEXT"] ?? "");
    rmSync(closed.checkout, { recursive: true, force: true });
  }
  rmSync(certs, { recursive: true, force: true });
});

const secureUrl = () => `https://127.0.0.1:${tlsPort}`;

/** Serial number of the proxy's certificate. */
function servedSerial(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: tlsPort, servername: "localhost" }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.on("error", reject);
  });
}

test("plain HTTP redirects to HTTPS, which a client that trusts the CA accepts", async () => {
  const plain = await fetch(`${stack.url("PROXY_PORT")}/?room=a`, { redirect: "manual" });
  expect([plain.status, plain.headers.get("location")]).toEqual([308, `${secureUrl()}/?room=a`]);
  const cookies = await new Promise<string[]>((resolve, reject) => {
    get(`${secureUrl()}/`, (response) => {
      response.resume();
      resolve(response.headers["set-cookie"] ?? []);
    }).on("error", reject);
  });
  expect(cookies).toEqual([expect.stringMatching(/^sticky=.*; Secure/)]);
});

test("a WebSocket's 101 carries the sticky cookie, Secure", async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${tlsPort}/socket.io/?EIO=4&transport=websocket`);
  const cookies = await new Promise((resolve, reject) => {
    socket.on("upgrade", (response) => resolve(response.headers["set-cookie"]));
    socket.on("error", reject);
  });
  socket.terminate();
  expect(cookies).toEqual([expect.stringMatching(/^sticky=.*HttpOnly.*Secure/)]);
});

test("a call in two pages over HTTPS and WSS, with a Secure cookie and the TURN server of the join ack", async () => {
  await using browser = await startEnclosedBrowser([tlsPort, stack.port("TURN_PORT")]);
  const [page] = await callUp(browser.browser, secureUrl(), "secure");
  expect((await factsOf(page)).state).toBe("connected");
  const cookies = await page.context().cookies();
  expect(cookies).toEqual([expect.objectContaining({ name: "sticky", secure: true, httpOnly: true, sameSite: "Lax" })]);
  const used = await page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: { connections: RTCPeerConnection[] } };
    return watched.connections.at(-1)?.getConfiguration().iceServers ?? [];
  });
  const port = stack.port("TURN_PORT");
  expect(used.flatMap(({ urls }) => urls)).toContain(`turn:127.0.0.1:${port}?transport=tcp`);

  // Two connections reach each other through the relay alone, so the credentials work. With another password the relay
  // refuses.
  const relayed = (servers: RTCIceServer[], waitMs: number) =>
    page.evaluate(
      async ([iceServers, ms]) => {
        const options = { iceServers, iceTransportPolicy: "relay" as const };
        const [one, two] = [new RTCPeerConnection(options), new RTCPeerConnection(options)];
        one.onicecandidate = ({ candidate }) => void two.addIceCandidate(candidate ?? undefined);
        two.onicecandidate = ({ candidate }) => void one.addIceCandidate(candidate ?? undefined);
        const channel = one.createDataChannel("relayed");
        const got = new Promise<string>((resolve) => {
          two.ondatachannel = (event) => {
            event.channel.onmessage = ({ data }) => resolve(String(data));
          };
        });
        channel.onopen = () => channel.send("through coturn");
        await one.setLocalDescription();
        await two.setRemoteDescription(one.localDescription as RTCSessionDescription);
        await two.setLocalDescription();
        await one.setRemoteDescription(two.localDescription as RTCSessionDescription);
        return Promise.race([got, new Promise<string>((resolve) => setTimeout(() => resolve("nothing"), ms))]);
      },
      [servers, waitMs] as const,
    );
  expect(await relayed(used, 20_000)).toBe("through coturn");
  expect(
    await relayed(
      used.map((server) => ({ ...server, credential: "forged" })),
      4_000,
    ),
  ).toBe("nothing");
});

test("a renewed certificate is loaded on SIGHUP without a dropped tunnel", async () => {
  const [a, b] = await joinApart("renewal", { url: secureUrl(), transports: "websocket" });
  peers.push(a, b);
  const before = await servedSerial();
  makeCerts();
  docker("kill", "--signal", "HUP", stack.inspect().get("proxy")?.Id ?? "");
  await until("the new certificate is shown", async () => (await servedSerial()) !== before);
  await sendNumbered(a, 0, 50);
  await until("offers arrive on the old tunnels", () => b.got.length === 50);
  expect([a.lost(), b.lost()]).toEqual([0, 0]);
});

/** Median time of ten offers from `a` to `b`, ms. */
async function transitMs(a: Peer, b: Peer): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < 10; number += 1) {
    const already = b.got.length;
    const sentAt = performance.now();
    await sendNumbered(a, number, number + 1);
    await until("the offer arrives", () => b.got.length > already, { everyMs: 2 });
    times.push(performance.now() - sentAt);
  }
  return times.sort((x, y) => x - y)[5] ?? 0;
}

test("a replica that partition-node cuts off does not reach the backplane by another network, until heal", async () => {
  const stateOf = async () => (await stack.replicas()).find(({ id }) => id === "signaling-2")?.state;
  await stack.make("partition-node", "NODE=2");
  await until("it is degraded", async () => (await stateOf()) === "degraded", { withinMs: 20_000 });
  expect(await stack.make("status")).toMatch(/^signaling-2 .*degraded/m);
  await stack.make("heal");
  expect(await stateOf()).toBe("ready");
});

test("slow-node delays a replica's signals over the backplane, and heal ends it", async () => {
  const [a, b] = await joinApart("slow", { url: secureUrl() });
  peers.push(a, b);
  const before = await transitMs(a, b);
  await stack.make("slow-node", `NODE=${b.client.node()?.slice(-1)}`, "MS=200", "JITTER=10");
  expect(await stack.make("status")).toMatch(/slowed by 200 ± 10 ms/);
  expect(await transitMs(a, b)).toBeGreaterThan(before + 150);
  await stack.make("heal");
  expect(await transitMs(a, b)).toBeLessThan(before + 150);
});

test("with a checkout that only its owner can read, awkward secrets and a context's own socket all replicas are ready", async () => {
  expect((await stack.replicas()).map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
  const redis = await (await fetch(`${stack.url("PROMETHEUS_PORT")}/api/v1/query?query=redis_up`)).text();
  expect(redis).toContain('"1"');
  expect(await stack.make("status")).toMatch(/signaling-3 .*ready/);
});

test("the overlays' containers are as hardened as the others, and nothing was restarted", () => {
  const containers = stack.inspect();
  expect(containers.has("coturn") && containers.has("links")).toBe(true);
  for (const [service, { HostConfig: host, Config, RestartCount, State }] of containers)
    expect({
      service,
      user: Config.User,
      readOnly: host.ReadonlyRootfs,
      dropped: host.CapDrop,
      restarts: RestartCount,
      security: host.SecurityOpt,
      bounded: host.Memory > 0 && Number(host.PidsLimit) > 0,
      killed: State.OOMKilled,
    }).toEqual({
      service,
      user: expect.stringMatching(/^[1-9]/),
      readOnly: true,
      dropped: ["ALL"],
      restarts: 0,
      security: ["no-new-privileges:true"],
      bounded: true,
      killed: false,
    });
  const secret = awkward.TURN_SECRET.trim();
  expect(docker("inspect", ...[...containers.values()].map(({ Id }) => Id))).not.toContain(secret);
  const coturn = containers.get("coturn")?.Id ?? "";
  expect(docker("logs", coturn)).not.toContain(secret);
});
