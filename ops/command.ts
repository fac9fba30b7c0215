import type { Config } from "./config.ts";
import type { Stack } from "./stack/open-stack.ts";

/** The context of a CLI command. */
export interface CommandContext {
  config: Config;
  stack: Stack;
  /**
   * Prints lines on standard output. Control characters are printed as codes, so that a terminal does not act on them.
   */
  print(text: string): void;
  /** Prints one line unchanged. The line is already escaped and may contain colours. */
  printEscaped(line: string): void;
  /** Names what the command waits for from now on. It is printed after some seconds without output. */
  waitFor(what: string): void;
  /** Aborted by SIGINT and SIGTERM. A command that runs until then must end in an orderly way. */
  signal: AbortSignal;
}

/** One command of `node ops/cli.ts`. Throws UsageError for bad arguments, CannotError for an impossible action. */
export interface Command {
  /** Arguments after the command's name: `kill|… [signaling-2]`. */
  usage: string;
  summary: string;
  /** True if the stack must be up. If it is not, the CLI prints one line and does not start the command. */
  needsStack?: true;
  /** True if the command runs until it is interrupted, or waits for input. Then silence needs no message. */
  follows?: true;
  /** Resolves with the exit code; undefined means 0. */
  run(context: CommandContext, args: string[]): Promise<number | undefined>;
}

/** Bad arguments. The message names valid ones. */
export class UsageError extends Error {
  override name = "UsageError";
}
