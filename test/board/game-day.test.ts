import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { faultOf } from "../../ops/game-day/faults.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import type { TrainerRow } from "../../services/board/trainer.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { boardUrl, openBoard, takePictures } from "./board-page.ts";

const trainerToken = "a-trainer-token-of-this-test";
let stack: ProcessStack;
let browser: Browser;
let game: ChildProcessWithoutNullStreams | undefined;

beforeAll(async () => {
  stack = await startProcessStack({ CALLS: "6", TRAINER_TOKEN: trainerToken });
  browser = await startBrowser();
});
afterEach(async () => {
  // The game of a failed test would prevent the next one.
  if (game === undefined || game.exitCode !== null) return;
  game.stdin.end();
  await once(game, "close");
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** Runs the ops CLI on the stack, as make does. */
function ops(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["ops/cli.ts", ...args], {
    cwd: stack.root,
    env: { ...process.env, STACK: stack.name, ENV_FILE: "/dev/null" },
  });
}

async function outputOf(...args: string[]): Promise<string> {
  const child = ops(...args);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      text += chunk;
    });
  await once(child, "close");
  return text;
}

/** Every source that a trainee can read and that must not name the fault. */
async function surfaces(): Promise<Record<string, string>> {
  const { callerAdmin, prometheus } = stack.engine.endpoints;
  const text = async (url: string) => (await fetch(url)).text();
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const { page } = await openBoard(browser, stack);
  await page.waitForSelector('[data-drill="game-day"]');
  // Alerts are symptoms, so an alert's name may contain the fault.
  const notices = (await page.locator("#notices section:has(h2:not(:text-is('Alerts')))").allTextContents()).join(" ");
  await page.context().close();
  const logs = join(stack.state.dir, "logs");
  return {
    "make status": await outputOf("status"),
    "make status, JSON": await outputOf("status", "--json"),
    journal: read(join(stack.state.dir, "journal.json")),
    "drill record": read(join(stack.state.dir, "drill.json")),
    "caller's metrics": (await text(`${callerAdmin}/metrics`))
      .split("\n")
      .filter((line) => line.startsWith("chaos_"))
      .join("\n"),
    "caller's marks": JSON.stringify((JSON.parse(await text(`${callerAdmin}/pulse`)) as { actions: unknown }).actions),
    "action metric": JSON.stringify(
      (JSON.parse(await text(`${prometheus}/api/v1/query?query=chaos_action_active%20==%201`)) as { data: unknown })
        .data,
    ),
    "board's notices": notices.replace("make heal", ""),
    "board's marks": JSON.stringify(
      (JSON.parse((await text(`${boardUrl(stack)}/api/history`)) as string) as { marks: string[] }[]).at(-1)?.marks,
    ),
    "log of links": read(join(logs, "links.log")),
    "log of the board": read(join(logs, "board.log")),
    "log of the caller": read(join(logs, "caller.log")),
  };
}

/** Words that name the action itself. "is stopped" and "does not answer" are symptoms, which stay visible. */
const deeds: Readonly<Record<string, RegExp>> = {
  kill: /\bkill(ed)? (redis|signaling-\d)|"action": ?"kill"|kill -9|action="kill"/i,
  pause: /\bpause (redis|signaling-\d)|"action": ?"pause"|STOP|action="pause"/,
  partition: /partition|black.?hole|\bcut\b|action="partition"/i,
  slow: /\bslow|latency.{0,3}\d|action="slow"/i,
};

/** The first seed at which a level hides this action. */
function seedFor(level: number, action: string): number {
  for (let seed = 0; seed < 60; seed += 1) if (faultOf(seed, level).action === action) return seed;
  throw new Error(`no seed hides ${action} at level ${level}`);
}

// Faults whose alerts end soonest come first, because each waits for the alerts of the one before.
test.each([
  { level: 3, action: "slow", answer: (target: string) => `latency at ${target}` },
  { level: 3, action: "partition", answer: (target: string) => `cut off: ${target.replace("signaling-", "replica ")}` },
  { level: 2, action: "pause", answer: (target: string) => `it is ${target}, frozen` },
  { level: 1, action: "kill", answer: (target: string) => `kill ${target}` },
])(
  "level $level, $action: only the symptoms show it; named in words, healed by hand",
  async ({ level, action, answer }) => {
    const seed = seedFor(level, action);
    const { target } = faultOf(seed, level);
    const reportBefore = await outputOf("report");
    const playing = ops("game-day", "--seed", String(seed), "--level", String(level));
    game = playing;
    // The game may end before the heal that it waits for has printed its last line.
    const closed = once(playing, "close");
    let said = "";
    playing.stdout.on("data", (chunk) => {
      said += chunk;
    });
    // The game first waits for the alerts of the last one. ProxyEjections looks back for three minutes.
    await until("the game begins", () => said.includes("Something is broken now"), { withinMs: 200_000, everyMs: 100 });
    await until(
      "Prometheus has looked",
      async () => {
        const response = await fetch(
          `${stack.engine.endpoints.prometheus}/api/v1/query?query=chaos_drill_active%20==%201`,
        );
        return ((await response.json()) as { data: { result: unknown[] } }).data.result.length === 1;
      },
      // It looks every 5 s.
      { withinMs: 20_000 },
    );
    const deed = deeds[action] as RegExp;
    for (const [surface, text] of Object.entries(await surfaces())) {
      expect(text, `${surface} tells`).not.toMatch(deed);
    }
    expect(await outputOf("report")).toBe(reportBefore);
    // Only the trainer's view contains the fault.
    const trainer = (token: string) =>
      fetch(`${boardUrl(stack)}/api/trainer?alone=1`, { headers: { authorization: `Bearer ${token}` } });
    expect((await trainer("another-token-of-another-test")).status).toBe(401);
    const rows = (await (await trainer(trainerToken)).json()) as TrainerRow[];
    expect(rows[0]?.games.map(({ truth }) => truth)).toEqual([`${action} ${target}`]);
    if (level === 1) await takePictures(browser, stack, "game-day");

    playing.stdin.write("seen\n");
    playing.stdin.write("I have no idea\n");
    playing.stdin.write(`${answer(target)}\n`);
    await until("it is named", () => said.includes("named. Now heal it"), { withinMs: 10_000 });
    expect(await outputOf("chaos", "heal")).toContain("the stack is at steady state");
    const [code] = await closed;
    expect(said).toContain(": 100 points");
    expect(said).toContain("by hand");
    expect(said).toContain(`it was: ${action} ${target}`);
    expect(code).toBe(0);
    expect(await unsteady(stack)).toEqual([]);
    const reports = readdirSync(join(stack.root, "reports"))
      .filter((name) => name.endsWith("-game-day"))
      .sort();
    const report = JSON.parse(
      readFileSync(join(stack.root, "reports", reports.at(-1) ?? "", "report.json"), "utf8"),
    ) as { stack: string; verdict: string };
    expect(report).toMatchObject({ stack: stack.name, verdict: "passed", seed });
  },
  270_000,
);
