import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { messageOf } from "../logs/log-message.ts";
import { until } from "../wait/until.ts";
import { identify, signal, stateOf } from "./identity.ts";
import type { ServiceRecord, StateDir } from "./state-dir.ts";
import { findStrays, markOf } from "./strays.ts";

/** Pause between two checks while a process starts or stops, ms. */
const lookEveryMs = 20;
/** Signals of a terminal to all that run in it. */
const typed: ReadonlySet<NodeJS.Signals | null> = new Set(["SIGINT", "SIGQUIT", "SIGHUP"]);

/**
 * Starts a service as a detached process in a session of its own. Its output goes to its log. The record is written
 * first. Ctrl-C also reaches a process that has no session of its own yet: that one is started again.
 *
 * @param ready polled until it returns true
 * @throws Error with the service's last log line, if it ends or is not ready within `withinMs`
 */
export async function launch(
  state: StateDir,
  id: string,
  { command, args, env }: ServiceRecord["launch"],
  baseEnv: NodeJS.ProcessEnv,
  ready: () => Promise<boolean>,
  withinMs = 30_000,
): Promise<ServiceRecord> {
  for (const stray of findStrays(state.dir, id)) await destroy({ id, process: stray });

  async function start(): Promise<{ child: ChildProcess; record: ServiceRecord }> {
    const log = openSync(state.logPath(id), "a");
    const child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...baseEnv, ...env, ...markOf(state.dir, id) },
    });
    closeSync(log);
    await Promise.race([once(child, "spawn"), once(child, "error").then(([error]) => Promise.reject(error))]);
    child.unref();
    const started = identify(child.pid ?? 0);
    const record: ServiceRecord = {
      id,
      launch: { command, args, env },
      process: started === undefined ? null : { pid: started.pid, startedAt: started.startedAt },
    };
    state.saveService(record);
    return { child, record };
  }

  let { child, record } = await start();
  let isSecond = false;
  const isReady = async () => {
    if (await ready()) return true;
    if (child.exitCode === null && child.signalCode === null) return false;
    if (isSecond || !typed.has(child.signalCode))
      throw new Error(`${id} ended while starting: ${lastWords(state.logPath(id))} (all of it: ${state.logPath(id)})`);
    isSecond = true;
    ({ child, record } = await start());
    return false;
  };
  if ((await until(isReady, { withinMs, everyMs: lookEveryMs })) === undefined)
    throw new Error(`${id} is not ready after ${withinMs / 1000} s: ${lastWords(state.logPath(id))}`);
  return record;
}

/**
 * Sends SIGTERM (to a paused process too), and SIGKILL after `graceMs`. Returns false if the process was gone already.
 */
export async function terminate(record: ServiceRecord, graceMs: number): Promise<boolean> {
  if (record.process === null || !signal(record.process, "SIGTERM")) return false;
  signal(record.process, "SIGCONT");
  if (await gone(record, graceMs)) return true;
  return destroy(record);
}

/** Sends SIGKILL and waits until the process is gone. */
export async function destroy(record: Pick<ServiceRecord, "id" | "process">): Promise<boolean> {
  if (record.process === null || !signal(record.process, "SIGKILL")) return false;
  if (await gone(record, 10_000)) return true;
  throw new Error(`${record.id} (pid ${record.process.pid}) outlived SIGKILL by 10 s: it hangs in the kernel`);
}

async function gone({ process }: Pick<ServiceRecord, "process">, withinMs: number): Promise<boolean> {
  const isGone = () => process === null || stateOf(process) === "gone";
  return (await until(isGone, { withinMs, everyMs: lookEveryMs })) === true;
}

/**
 * The last words of a log: the line that names an error if the last lines have one, else the last line. Of a JSON line
 * only the message.
 */
function lastWords(path: string): string {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-20);
  const line = lines.findLast((candidate) => /\w*Error\b/.test(candidate)) ?? lines.at(-1) ?? "";
  return messageOf(line.trim()) || "it said nothing";
}
