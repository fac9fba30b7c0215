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

test("no admin listener of the stack takes a change without the token", async () => {
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

/** What Redis answers on a port of the stack. */
function redis(variable: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync("redis-cli", ["-p", String(stack.layout.port(variable)), ...args], {
    encoding: "utf8",
  });
  return `${stdout}${stderr}`;
}

test.each(["REDIS_PORT", "LINK_1_PORT"])("%s: who has no password can do nothing on Redis", (variable) => {
  const commands = ["PING", "PUBLISH hold-the-line:canary x", "CONFIG GET *", "SUBSCRIBE x", "ACL WHOAMI", "INFO"];
  for (const command of commands)
    expect([command, redis(variable, ...command.split(" "))]).toEqual([command, expect.stringMatching(/NOAUTH/)]);
  expect(redis(variable, "--user", "replica", "-a", "wrong", "PING")).toMatch(/WRONGPASS/);
  expect(redis(variable, "AUTH", "default", "")).toMatch(/WRONGPASS/);
});

test("each Redis user may what it needs alone, as on the compose engine", () => {
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

test("the exporter sees Redis, as the user that may look", async () => {
  const exporter = `${url("REDIS_EXPORTER_PORT")}/metrics`;
  await until("redis_up is 1", async () => /^redis_up 1$/m.test(await (await fetch(exporter)).text()));
});
