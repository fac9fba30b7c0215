import { resolve } from "node:path";
import { ConfigError, loadConfig } from "../common/config.ts";
import { reachStackDirectly } from "../common/http/stack-hosts.ts";
import { escapeLine, escapeUnprintable } from "../common/printable.ts";
import { type Command, UsageError } from "./command.ts";
import { adoptCheck } from "./commands/adopt-check.ts";
import { chaos } from "./commands/chaos.ts";
import { down } from "./commands/down.ts";
import { logs } from "./commands/logs.ts";
import { plan } from "./commands/plan.ts";
import { roll } from "./commands/roll.ts";
import { scale } from "./commands/scale.ts";
import { status } from "./commands/status.ts";
import { drill, drills } from "./commands/training/drill.ts";
import { gameDay } from "./commands/training/game-day.ts";
import { provoke } from "./commands/training/provoke.ts";
import { report } from "./commands/training/report.ts";
import { soak } from "./commands/training/soak.ts";
import { up } from "./commands/up.ts";
import { verifyObservabilityCommand } from "./commands/verify-observability.ts";
import { wait } from "./commands/wait.ts";
import { watchBackplane } from "./commands/watch-backplane.ts";
import { schema } from "./config.ts";
import { forward } from "./kubernetes/forward.ts";
import { exitCodes } from "./runner/verdict.ts";
import { CannotError } from "./stack/engine.ts";
import { openStack } from "./stack/open-stack.ts";
import { sayThatItGoesOn } from "./wait/goes-on.ts";

const commands: Readonly<Record<string, Command>> = {
  up,
  down,
  status,
  wait,
  logs,
  chaos,
  roll,
  scale,
  forward,
  plan,
  provoke,
  drill,
  drills,
  report,
  soak,
  "game-day": gameDay,
  "verify-observability": verifyObservabilityCommand,
  "watch-backplane": watchBackplane,
  "adopt-check": adoptCheck,
};

reachStackDirectly(process.env);

// The first signal ends a command in an orderly way, the second one at once.
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });

// The reader may have closed the pipe, as `head` does. Then no output is possible, but a command that changes the stack
// still ends in an orderly way.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (commands[process.argv[2] ?? ""]?.follows) process.exit(0);
  interrupted.abort();
});

/**
 * Settings come from the environment alone: make and `npm run ops` read the file of settings (ops/sh/common.sh).
 *
 * Exit codes: 0 done, 1 failed, 2 not possible or bad arguments, 78 bad configuration, 130 interrupted. Drills have
 * their own (runner/verdict.ts).
 */
async function run([name, ...args]: string[]): Promise<number> {
  const command = name === undefined ? undefined : commands[name];
  if (command === undefined) {
    const list = Object.entries(commands).map(
      ([id, { usage, summary }]) => `  ${`${id} ${usage}`.trim()}\n      ${summary}`,
    );
    const text = `usage: node ops/cli.ts <command>\n${list.join("\n")}`;
    if (name === undefined || name === "help" || name === "--help") console.log(text);
    else console.error(`no such command: ${escapeLine(name)} (${Object.keys(commands).join(", ")})`);
    return name === undefined || name === "help" || name === "--help" ? 0 : 2;
  }
  const root = resolve(import.meta.dirname, "..");
  const config = loadConfig(schema, process.env);
  const stack = openStack(root, config, process.env);
  if (command.needsStack && (await stack.engine.services()).length === 0)
    throw new CannotError(`the stack "${config.STACK}" is not up: make up`);
  const goesOn = sayThatItGoesOn((line) => console.error(line));
  if (command.follows) goesOn.end();
  const printEscaped = (line: string) => {
    goesOn.said();
    console.log(line);
  };
  const context = {
    config,
    stack,
    print: (text: string) => printEscaped(escapeUnprintable(text)),
    printEscaped,
    waitFor: goesOn.waitFor,
    signal: interrupted.signal,
  };
  try {
    return (await command.run(context, args)) ?? 0;
  } finally {
    goesOn.end();
  }
}

try {
  const code = await run(process.argv.slice(2));
  const ended = interrupted.signal.aborted && !commands[process.argv[2] ?? ""]?.follows;
  // That a drill could not be undone is worth more than that it was interrupted.
  process.exitCode = ended && code !== exitCodes["not-restored"] ? 130 : code;
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  console.error(`ops: ${escapeLine(message)}`);
  if (process.env["LOG_LEVEL"] === "debug") console.error(error);
  const notPossible =
    error instanceof CannotError || error instanceof UsageError || code?.startsWith("ERR_PARSE_ARGS") === true;
  process.exitCode = error instanceof ConfigError ? 78 : notPossible ? 2 : 1;
}
