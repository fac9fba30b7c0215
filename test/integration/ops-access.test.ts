import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
const url = (variable: string) => `http://127.0.0.1:${stack.layout.port(variable)}`;
const json = { "content-type": "application/json" };
const secret = (name: string) => readFileSync(join(stack.root, ".secrets", name), "utf8").trim();

beforeAll(async () => {
  stack = await startProcessStack({ CALLS: "0", PROBE_EVERY_MS: "0" });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test("every admin listener of the stack refuses a change without the token", async () => {
  const changes = [
    ["PUT", `${url("PROXY_ADMIN_PORT")}/replicas/evil`, { url: "http://127.0.0.1:1", readyUrl: "http://127.0.0.1:1" }],
    ["DELETE", `${url("PROXY_ADMIN_PORT")}/replicas/signaling-1`, {}],
    ["POST", `${url("PROXY_ADMIN_PORT")}/tunnels/drop`, {}],
    ["POST", `${url("SIGNALING_1_ADMIN_PORT")}/drain`, {}],
    ["POST", `${url("CALLER_ADMIN_PORT")}/calls`, { calls: 1 }],
    ["POST", `${url("CALLER_ADMIN_PORT")}/alerts`, { version: "4", alerts: [] }],
    ["PUT", `${url("LINK_ADMIN_PORT")}/links/signaling-1/faults/black-hole`, {}],
  ] as const;
  for (const [method, target, body] of changes) {
    const send = (headers: object) =>
      fetch(target, { method, headers: { ...json, ...headers }, body: JSON.stringify(body) });
    expect([target, (await send({})).status]).toEqual([target, 401]);
    expect((await send({ authorization: `Bearer ${secret("REDIS_PASSWORD")}` })).status).toBe(401);
  }
  const answer = await fetch(`${url("CALLER_ADMIN_PORT")}/alerts`, {
    method: "POST",
    headers: { ...json, authorization: `Bearer ${secret("ADMIN_TOKEN")}` },
    body: JSON.stringify({ version: "4", alerts: [] }),
  });
  expect(answer.status).toBe(204);
});

/** Redis' answer on a port of the stack. */
function redis(variable: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync("redis-cli", ["-p", String(stack.layout.port(variable)), ...args], {
    encoding: "utf8",
  });
  return `${stdout}${stderr}`;
}

test.each(["REDIS_PORT", "LINK_1_PORT"])("%s: without a password every command on Redis is refused", (variable) => {
  const commands = ["PING", "PUBLISH hold-the-line:canary x", "CONFIG GET *", "SUBSCRIBE x", "ACL WHOAMI", "INFO"];
  for (const command of commands)
    expect([command, redis(variable, ...command.split(" "))]).toEqual([command, expect.stringMatching(/NOAUTH/)]);
  expect(redis(variable, "--user", "replica", "-a", "wrong", "PING")).toMatch(/WRONGPASS/);
  expect(redis(variable, "AUTH", "default", "")).toMatch(/WRONGPASS/);
});

test("each Redis user has only its rights, as on the compose engine", () => {
  const as = (user: string, password: string, command: string) =>
    redis("REDIS_PORT", "--no-auth-warning", "--user", user, "-a", secret(password), ...command.split(" "));
  expect(as("replica", "REDIS_PASSWORD", "PUBLISH hold-the-line:test x")).toMatch(/^\d/);
  for (const command of [
    "CONFIG GET *",
    "KEYS *",
    "FLUSHALL",
    "SET other 1",
    "PUBLISH other x",
    "PSUBSCRIBE *",
    "EVAL 1 0",
    "ACL LIST",
    "SHUTDOWN",
  ])
    expect(as("replica", "REDIS_PASSWORD", command)).toMatch(/NOPERM/);
  expect(as("watch", "REDIS_WATCH_PASSWORD", "INFO server")).toMatch(/redis_version/);
  for (const command of ["PUBLISH socket.io x", "PSUBSCRIBE *", "CONFIG SET maxmemory 0", "FLUSHALL"])
    expect(as("watch", "REDIS_WATCH_PASSWORD", command)).toMatch(/NOPERM/);
  for (const command of [
    "FLUSHALL",
    "SHUTDOWN",
    "ACL LIST",
    "SET hold-the-line:a 1",
    "CONFIG REWRITE",
    "CLIENT KILL TYPE pubsub",
  ])
    expect(as("ops", "REDIS_OPS_PASSWORD", command)).toMatch(/NOPERM/);
});

test("no password and no token is in an argument of a process, or in its log", () => {
  const secrets = ["ADMIN_TOKEN", "REDIS_PASSWORD", "REDIS_WATCH_PASSWORD", "REDIS_OPS_PASSWORD"].map(secret);
  for (const { id, process: identity } of stack.state.services()) {
    const shown =
      readFileSync(`/proc/${identity?.pid}/cmdline`, "utf8") + readFileSync(stack.state.logPath(id), "utf8");
    expect([id, secrets.filter((one) => shown.includes(one))]).toEqual([id, []]);
  }
  for (const file of ["redis/users.acl", "redis-exporter.json", "alertmanager/admin-token"])
    expect(execFileSync("stat", ["-c", "%a", join(stack.state.dir, file)], { encoding: "utf8" }).trim()).toBe("600");
});

test("the exporter reads Redis as the user watch", async () => {
  const exporter = `${url("REDIS_EXPORTER_PORT")}/metrics`;
  await until("redis_up is 1", async () => /^redis_up 1$/m.test(await (await fetch(exporter)).text()));
});

test("a web page reaches neither Prometheus nor Alertmanager, and HTTP cannot stop or reload them", async () => {
  const silence = { matchers: [{ name: "alertname", value: ".*", isRegex: true }], startsAt: "2026-01-01T00:00:00Z" };
  const post = (at: string, headers: Record<string, string>) =>
    fetch(at, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(silence) });
  for (const variable of ["PROMETHEUS_PORT", "ALERTMANAGER_PORT"]) {
    expect((await fetch(`${url(variable)}/-/ready`)).status).toBe(200);
    for (const path of ["/api/v2/silences", "/-/reload", "/-/quit"])
      expect([
        variable,
        path,
        (await post(`${url(variable)}${path}`, { origin: "http://evil.example" })).status,
      ]).toEqual([variable, path, 403]);
  }
  for (const path of ["/-/reload", "/-/quit"])
    expect((await post(`${url("PROMETHEUS_PORT")}${path}`, {})).status).toBe(403);
  expect((await fetch(`${url("PROMETHEUS_PORT")}/-/ready`)).status).toBe(200);
});

test("without the guard, Prometheus and Alertmanager require a password", async () => {
  for (const variable of ["PROMETHEUS_GUARDED_PORT", "ALERTMANAGER_GUARDED_PORT"])
    for (const path of ["/api/v2/silences", "/api/v1/query?query=up", "/metrics"])
      expect([variable, (await fetch(`${url(variable)}${path}`)).status]).toEqual([variable, 401]);
});

test("Prometheus scrapes both and notifies Alertmanager, which notifies the caller", async () => {
  const query = async (expr: string) => {
    const answer = await fetch(`${url("PROMETHEUS_PORT")}/api/v1/query?query=${encodeURIComponent(expr)}`);
    return ((await answer.json()) as { data: { result: unknown[] } }).data.result.length;
  };
  await until("all targets are up", async () => (await query("up == 1")) === 7, { withinMs: 20_000 });
  expect(await query("up == 0")).toBe(0);
  const alerts = [{ labels: { alertname: "Tried" }, annotations: { summary: "from the test" } }];
  const sent = await fetch(`${url("ALERTMANAGER_PORT")}/api/v2/alerts`, {
    method: "POST",
    headers: json,
    body: JSON.stringify(alerts),
  });
  expect(sent.status).toBe(200);
  await until("the webhook got it", async () =>
    JSON.stringify(await (await fetch(`${url("CALLER_ADMIN_PORT")}/alerts`)).json()).includes("Tried"),
  );
});
