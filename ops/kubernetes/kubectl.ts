import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { CannotError } from "../stack/engine.ts";

const run = promisify(execFile);

/** The `kubectl` of one context and namespace. Tests replace it. */
export interface Kubectl {
  /** Runs it and returns what it printed. Rejects with the last line of its error. */
  run(...args: string[]): Promise<string>;
  /** Starts it, for output that goes on. The caller ends it. */
  start(...args: string[]): ReturnType<typeof spawn>;
  /** The same command for an operator. */
  typed(...args: string[]): string;
}

/**
 * @param program its path
 * @param context the context of the kubeconfig, named so that no command reaches another cluster by chance
 */
export function createKubectl(program: string, context: string, namespace: string): Kubectl {
  const fixed = ["--context", context, "--namespace", namespace];
  return {
    async run(...args) {
      try {
        return (await run(program, [...fixed, ...args], { maxBuffer: 64 << 20 })).stdout.trim();
      } catch (error) {
        const { stderr = "", code, message } = error as Error & { stderr?: string; code?: unknown };
        if (code === "ENOENT") throw new CannotError(`${program} cannot be run: install kubectl, or set KUBECTL`);
        throw new Error(`kubectl ${args[0]} failed: ${stderr.trim().split("\n").at(-1) || message}`);
      }
    },
    start: (...args) => spawn(program, [...fixed, ...args], { stdio: ["ignore", "pipe", "inherit"] }),
    typed: (...args) => `kubectl --context ${context} -n ${namespace} ${args.join(" ")}`,
  };
}
