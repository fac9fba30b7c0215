import { parseArgs } from "node:util";
import { type Command, type CommandContext, UsageError } from "../../command.ts";
import type { Drill } from "../../drills/define-drill.ts";
import { drills as all, balanced, byName, ofServers } from "../../drills/drills.ts";
import { backplaneServersOf } from "../../redis/failover.ts";
import { createLiveView, shorten } from "../../report/live-view.ts";
import { writeReport } from "../../report/write.ts";
import type { DrillResult } from "../../runner/result.ts";
import { runDrill } from "../../runner/runner.ts";
import { exitCodes, shownFigure, type Verdict } from "../../runner/verdict.ts";
import { CannotError, type Engine } from "../../stack/engine.ts";

/** The drills of CI: the smallest set that covers routing, health, drain and backplane. */
const ciDrills = ["kill-node", "freeze-node", "drain-node", "redis-kill"];

/** `drill kill-node`: runs one drill. The exit code is that of its verdict. */
export const drill: Command = {
  usage: "<name> [--seed 7] [--calls 200] [--control] [--dry-run] [--json]",
  summary: "run one drill: 0 passed, 1 deviated, 2 unmet, 3 not injected, 4 not restored",
  async run(context, args) {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        seed: { type: "string", default: String(Date.now() % 1_000) },
        calls: { type: "string" },
        control: { type: "boolean", default: false },
        "dry-run": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const wanted = drillNamed(positionals[0]);
    const seed = wholeNumber("--seed", values.seed);
    const calls = values.calls === undefined ? wanted.calls.calls : wholeNumber("--calls", values.calls);
    const engine = context.stack.engine.name;
    if (!wanted.engines.includes(engine))
      throw new CannotError(
        `${wanted.name} needs the ${wanted.engines.join(" or ")} engine, this stack is on ${engine}`,
      );
    const proxies = Object.keys(context.stack.engine.endpoints.proxyAdmins).length;
    if (balanced.includes(wanted) && proxies < 2)
      throw new CannotError(`${wanted.name} needs two proxies, this stack has one: make down, then make up PROXIES=2`);
    if (wanted.servers !== undefined && wanted.servers !== (await backplaneServersOf(context.stack.engine)))
      throw new CannotError(
        `${wanted.name} needs another backplane: make down, then make up ${wanted.servers === "nats" ? "BACKPLANE" : "REDIS"}=${wanted.servers}`,
      );
    if (values["dry-run"]) {
      context.print(`${wanted.name} (seed ${seed}): ${wanted.claim}`);
      context.print(`would hold ${calls} calls, inject, and watch for up to ${wanted.deadlineMs / 1000} s`);
      for (const { name, bound, unit } of wanted.expect)
        context.print(`  ${name} ${"max" in bound ? `<= ${bound.max}` : `>= ${bound.min}`} ${unit}`.trimEnd());
      return 0;
    }
    if (values.control && wanted.control === undefined)
      throw new CannotError(`no setting switches off the mechanism that ${wanted.name} proves (docs/drills.md)`);
    const view = createLiveView({ print: context.print, terminal: process.stdout.isTTY });
    const result = await runDrill(context.stack, wanted, {
      seed,
      signal: context.signal,
      control: values.control,
      calls: { calls },
      ...(values.json ? { tell: () => undefined } : view),
    });
    view.close();
    const dir = writeReport(context.stack.root, result);
    if (values.json) context.print(JSON.stringify({ ...result, report: dir }));
    else printResult(context, result);
    return exitCodes[result.verdict];
  },
};

/** `drills` prints the list. `--all`, `--ci` and `--rest` (all but those of `--ci`) run them one after the other. */
export const drills: Command = {
  usage: "[--all|--ci|--rest] [--repeat 3]",
  summary: "list the drills, or run all drills of this engine",
  async run(context, args) {
    const { values } = parseArgs({
      args,
      options: {
        all: { type: "boolean", default: false },
        ci: { type: "boolean", default: false },
        rest: { type: "boolean", default: false },
        repeat: { type: "string", default: "1" },
      },
    });
    if (!values.all && !values.ci && !values.rest) {
      for (const { name, claim, engines } of [...all, ...balanced, ...ofServers, ...byName])
        context.print(`${name.padEnd(15)}${engines.length === 1 ? `[${engines[0]} only] ` : ""}${claim}`);
      context.print("next: make drill DRILL=kill-node, then make report");
      return 0;
    }
    const { engine } = context.stack;
    const several = Object.keys(engine.endpoints.proxyAdmins).length > 1;
    const runnable = await runnableOn(engine, [...all, ...(several ? balanced : []), ...ofServers]);
    const possible = runnable.filter(({ name }) => values.all || ciDrills.includes(name) === values.ci);
    let worst = 0;
    for (let round = 1; round <= wholeNumber("--repeat", values.repeat); round += 1)
      for (const one of possible) {
        if (context.signal.aborted) return 130;
        worst = Math.max(worst, exitCodes[await runReported(context, one, round)]);
      }
    return worst;
  },
};

/** Those of `list` that this stack can run, with its engine and its backplane. */
export async function runnableOn(engine: Engine, list: readonly Drill[]): Promise<Drill[]> {
  const kind = await backplaneServersOf(engine);
  return list.filter(({ engines, servers = kind }) => engines.includes(engine.name) && servers === kind);
}

/** @throws UsageError with the valid names */
export function drillNamed(name: string | undefined): Drill {
  const known = [...all, ...balanced, ...ofServers, ...byName];
  const found = known.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`no such drill: ${name ?? "(none)"} (${known.map((one) => one.name).join(", ")})`);
}

/** Runs one drill of several, writes its report and prints its result. */
export async function runReported(context: CommandContext, drill: Drill, seed: number): Promise<Verdict> {
  const result = await runDrill(context.stack, drill, { seed, signal: context.signal, tell: () => undefined });
  writeReport(context.stack.root, result);
  printResult(context, result);
  return result.verdict;
}

/** Prints a drill's verdict and its failed expectations. */
function printResult({ print }: CommandContext, result: DrillResult): void {
  const seconds = ((result.endedAt - result.startedAt) / 1000).toFixed(0);
  print(`${result.drill}: ${result.verdict} in ${seconds} s (seed ${result.seed}; make report)`);
  if (result.control !== null) print(shorten(`  negative control, it must deviate: without ${result.control}`));
  for (const judged of result.expectations) {
    const mark = judged.notApplicable !== null ? "n/a " : judged.ok ? "ok  " : "FAIL";
    print(`  ${mark} ${judged.name}: ${shownFigure(judged)} (${judged.bound})`);
  }
  for (const reason of result.reasons) print(`  ${reason}`);
}

/** @throws UsageError if it is not a whole number */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 1_000_000)
    throw new UsageError(`${option} ${text}: must be a whole number from 0 to 1000000`);
  return value;
}
