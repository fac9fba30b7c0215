import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePortBase } from "../support/free-port.ts";
import { until } from "../support/poll.ts";

const root = join(import.meta.dirname, "../..");
const stack = `test-table-${process.pid}`;
const state = join(root, ".stack", stack);
/** No command is silent for longer, ms. */
const silentMs = 5_000;

interface Outcome {
  /** As a shell has it: 130 where SIGINT ended it. */
  code: number;
  said: string;
}

let portBase: number;
/**
 * Runs a line of shell on the stack, in a process group of its own as a terminal does.
 *
 * @param interruptAt Ctrl-C is typed once this was said
 */
async function run(
  line: string,
  { env = {}, interruptAt }: { env?: Record<string, string>; interruptAt?: RegExp } = {},
): Promise<Outcome> {
  const base = { PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`, ENV_FILE: "/dev/null" };
  const child = spawn("sh", ["-c", line], {
    cwd: root,
    env: { ...base, HOME: process.env["HOME"], ENGINE: "process", STACK: stack, PORT_BASE: String(portBase), ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let lastAt = performance.now();
  let silence = 0;
  const hear = (chunk?: Buffer) => {
    silence = Math.max(silence, performance.now() - lastAt);
    lastAt = performance.now();
    said += chunk ?? "";
    if (interruptAt?.test(said)) {
      interruptAt = undefined;
      process.kill(-(child.pid ?? 0), "SIGINT");
    }
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on("close", (...ended) => resolve(ended));
  });
  hear();
  expect([line, said]).toEqual([line, expect.not.stringMatching(/^\s+at (async )?\S+.*:\d+:\d+\)?$/m)]);
  expect([line, interruptAt]).toEqual([line, undefined]);
  if (!/^sh .*(logs|watch)/.test(line)) expect([line, silence < silentMs, silence]).toEqual([line, true, silence]);
  return { code: signal === "SIGINT" ? 130 : (code ?? -1), said };
}
const script = (line: string) => `sh ops/sh/stack.sh ${line}`;
const lines = ({ said }: Outcome) => said.trimEnd().split("\n");

async function allRun(): Promise<void> {
  const { said } = await run(script("status"));
  expect(said.match(/^signaling-[123] +running +ready/gm)).toHaveLength(3);
  expect(said).not.toMatch(/stopped|paused/);
}

beforeAll(async () => {
  portBase = await freePortBase();
});
afterAll(async () => {
  await run(script("down"));
  rmSync(state, { recursive: true, force: true });
}, 60_000);

test("up, interrupted, ends what it has started and leaves nothing that later commands would go by", async () => {
  const { code, said } = await run(script("up"), { interruptAt: /started links/ });
  expect([code, said]).toEqual([130, expect.stringMatching(/interrupted: ended .*redis/)]);
  await until(
    "nothing of it is left",
    () => !existsSync(join(state, "up.env")) && !existsSync(join(state, "services")),
  );
  expect((await run(script("status"))).said).toBe(`the stack "${stack}" is not up: make up\n`);
});

test("up twice is up; with another setting it is refused, and nothing is ignored in silence", async () => {
  expect((await run(script("up"), { env: { CALLS: "0" } })).code).toBe(0);
  expect((await run(script("up"), { env: { CALLS: "0" } })).code).toBe(0);
  const other = await run(script("up"), { env: { BACKPLANE: "streams", LOG_LEVEL: "warn" } });
  expect([other.code, lines(other)]).toEqual([
    2,
    ["ops: the stack is up with another LOG_LEVEL, BACKPLANE: make down first"],
  ]);
  await allRun();
}, 120_000);

test.for([
  ["logs", { LEVEL: "7" }],
  ["soak", { MINUTES: "0" }],
  ["up", { PORT_BASE: "70000" }],
  ["chaos slow", { NODE: "1", MS: "-5" }],
  ["chaos kill", { NODE: "9" }],
  ["scale", { N: "9" }],
  ["drill", { DRILL: "nope" }],
  ["drill", { DRILL: "kill-node", SEED: "x" }],
  ["drill", { DRILL: "kill-node", CALLS: "-1" }],
  ["provoke", { ALERT: "Nope" }],
  ["provoke", {}],
  ["up", { APP: "none.env" }],
  ["no-such-command", {}],
] as [string, Record<string, string>][])("a wrong value is refused in one line: %s %j", async ([line, env]) => {
  const outcome = await run(script(line), { env });
  expect([outcome.code, lines(outcome)]).toEqual([
    outcome.code === 78 ? 78 : 2,
    [expect.stringMatching(/^(make|ops|no such command): /)],
  ]);
});

/** What the proxy sees after a drain and its end: with its next probe, while the commands look there at once. */
const seenAfter: Readonly<Record<string, string>> = { drain: "draining", undrain: "ready" };
const seen = async () => /^signaling-2 +running +(\w+)/m.exec((await run(script("status"))).said)?.[1];

test.for(["kill", "start", "pause", "resume", "drain", "undrain", "partition", "slow", "heal"])(
  "chaos %s twice does it once",
  async (verb) => {
    const target = verb === "heal" ? "" : " 2";
    expect((await run(script(`chaos ${verb}${target}`))).code).toBe(0);
    if (verb in seenAfter) await until("the proxy sees it", async () => (await seen()) === seenAfter[verb]);
    const again = await run(script(`chaos ${verb}${target}`));
    expect([again.code, again.said]).toEqual([0, expect.stringMatching(/already is in that state|steady state/)]);
  },
);

test.for([
  ["roll", {}, /is ready again/, /interrupted: /],
  ["drill", { DRILL: "kill-node", CALLS: "4" }, /callers: 4/, /interrupted/],
  ["provoke", { ALERT: "ProxyDown", ONCE: "1" }, /kills the proxy/, /interrupted before[\s\S]*started proxy/],
  ["logs", {}, /\n/, /./],
  ["watch-backplane", {}, /\n/, /./],
] as [string, Record<string, string>, RegExp, RegExp][])(
  "%s, interrupted, ends with 130 and the stack is whole",
  { timeout: 90_000 },
  async ([line, env, interruptAt, left]) => {
    const { code, said } = await run(script(line), { env, interruptAt });
    expect([code, said]).toEqual([130, expect.stringMatching(left)]);
    await allRun();
  },
);

test.for([...["status", "logs", "urls", "watch-backplane", "drills", "chaos heal", "roll"], "drill DRILL=kill-node"])(
  "%s into head ends, and the stack is whole",
  async (line) => {
    const [command = "", ...env] = line.split(" ").filter((word) => word !== "");
    const more = Object.fromEntries(env.filter((word) => word.includes("=")).map((word) => word.split("=")));
    const words = [command, ...env.filter((word) => !word.includes("="))].join(" ");
    const outcome = await run(`${script(words)} | head -1`, { env: more });
    expect(outcome.said).not.toBe("");
    await allRun();
  },
);

test("a drill that deviates says so and ends with 1", { timeout: 120_000 }, async () => {
  const { code, said } = await run(script("drill"), { env: { DRILL: "roll", CONTROL: "1", CALLS: "4" } });
  expect([code, said]).toEqual([1, expect.stringMatching(/deviated/)]);
  await allRun();
});

test("a setting that cannot be is named, and the CLI ends with 78", async () => {
  const outcome = await run("node ops/cli.ts status", { env: { PORT_BASE: "x" } });
  expect([outcome.code, outcome.said]).toEqual([78, expect.stringMatching(/PORT_BASE/)]);
});

test("down twice: the second says that there is nothing", async () => {
  expect((await run(script("down"))).said).toMatch(/^ended .*signaling-1/m);
  expect(lines(await run(script("down")))).toEqual([`the stack "${stack}" is not up`]);
});
