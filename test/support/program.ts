import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A program of the project (or `redis-server`) as a child process. Its output is kept for the failure message. */
export interface Program {
  child: ChildProcess;
  pid: number;
  /** Its output so far, standard output and error. */
  output(): string;
  /** Resolves with the exit code, or the signal's name, when its whole output was read. */
  exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGKILL and waits until it is gone. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts `command` with `env` added to this process's environment. It ends with the caller: `await using`. */
export function startProgram(command: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text += chunk;
  });
  const gone = once(child, "exit");
  const exited = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    pid: child.pid ?? 0,
    output: () => text,
    exited,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
