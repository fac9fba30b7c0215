import type { Config } from "./config.ts";
import type { Stack } from "./stack/open-stack.ts";

/** What a command of the CLI gets. */
export interface CommandContext {
  config: Config;
  stack: Stack;
  /** Prints lines on standard output. Control characters are shown as codes, so that no terminal obeys them. */
  print(text: string): void;
  /** Prints one line as it is; it is escaped already and may hold colours. */
  printEscaped(line: string): void;
  /** Aborted by SIGINT and SIGTERM: commands that go on until then end in order. */
  signal: AbortSignal;
}

/** One command of `node ops/cli.ts`. Throws UsageError for bad arguments, CannotError for what is not possible. */
export interface Command {
  /** Arguments behind the command's name: `kill|… [signaling-2]`. */
  usage: string;
  summary: string;
  /** True where a stack must be up: the CLI says so in one line before the command begins. */
  needsStack?: true;
  /** Resolves with the exit code, 0 where it says nothing. */
  run(context: CommandContext, args: string[]): Promise<number | undefined>;
}

/** Bad arguments; the message says what would be good ones. */
export class UsageError extends Error {
  override name = "UsageError";
}
