import type { z } from "zod";
import { ConfigError, loadConfig } from "./config.ts";
import { reachStackDirectly } from "./http/stack-hosts.ts";
import { createLog, type Log } from "./log.ts";
import { nodeVersionProblem } from "./node-version.ts";

/** A running program. `close` stops it in order. */
export interface Running {
  close(): Promise<void>;
}

/**
 * Runs a program, for `main.ts` alone: parses the environment, starts it, and on SIGTERM or SIGINT closes it in order
 * and exits 0. A second signal, or the end of `GRACE_MS`, exits 1 at once; an uncaught error is logged and exits 1;
 * a bad configuration, or a Node that is too old, prints one line and exits 78.
 *
 * The shutdown handlers are installed before `start` runs, because a program that is PID 1 of a container has no
 * default ones.
 */
export async function runProgram<S extends z.ZodObject>(
  service: string,
  schema: S,
  start: (config: z.output<S>, log: Log) => Promise<Running>,
): Promise<void> {
  const problem = nodeVersionProblem(process.versions.node);
  if (problem !== undefined) {
    process.stderr.write(`${service}: ${problem}\n`);
    process.exit(78);
  }
  reachStackDirectly(process.env);
  let config: z.output<S>;
  try {
    config = loadConfig(schema, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${service}: ${error.message}\n`);
    process.exit(78);
  }
  const { LOG_LEVEL, NODE_ID, GRACE_MS } = config as { LOG_LEVEL: string; NODE_ID?: string; GRACE_MS: number };
  const log = createLog({ service, level: LOG_LEVEL, ...(NODE_ID === undefined ? {} : { node: NODE_ID }) });
  process.on("uncaughtException", (err) => {
    log.fatal({ err }, "uncaught error, exiting");
    process.exit(1);
  });

  let running: Promise<Running>;
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, "second signal: exiting at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ signal, graceMs: GRACE_MS }, "shutting down");
    setTimeout(() => {
      log.error({ graceMs: GRACE_MS }, "not closed within GRACE_MS, exiting");
      process.exit(1);
    }, GRACE_MS).unref();
    running
      .then((program) => program.close())
      .then(
        () => {
          log.info("closed");
          process.exit(0);
        },
        (err: unknown) => {
          log.error({ err }, "closing failed");
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  running = start(config, log);
  try {
    await running;
  } catch (err) {
    if (stopping) return;
    log.fatal({ err }, `cannot start: ${err instanceof Error ? err.message : String(err)}`);
    process.exit(1);
  }
}
