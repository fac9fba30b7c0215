import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "../app/app-file.ts";
import type { PortOf } from "../ports.ts";
import type { ProcessIdentity } from "./identity.ts";

/** The inputs of every launch of a stack. */
export interface StackLayout {
  /** Path of the repository. */
  root: string;
  /** `.stack/<name>` */
  dir: string;
  port: PortOf;
  /** Variables of .env.example that were set at `up`. */
  settings: Readonly<Record<string, string>>;
  /** The application in place of the replicas; undefined without one. */
  app: App | undefined;
}

/** The complete launch of a service, so that any shell can start it again. */
export interface Launch {
  command: string;
  args: string[];
  /** Added to the environment of the process that starts it. */
  env: Record<string, string>;
}

export interface ServiceRecord {
  id: string;
  launch: Launch;
  /** The last started process, alive or not. */
  process: ProcessIdentity | null;
}

/** The settings of `up`, for every later command on the stack. */
export interface StackRecord {
  portBase: number;
  /** Variables of .env.example that were set at `up`. */
  settings: Record<string, string>;
}

/**
 * Files of one stack under `.stack/<name>/`: running services and their logs. No process of the ops program keeps
 * state.
 */
export function openStateDir(root: string, stack: string) {
  const dir = join(root, ".stack", stack);
  const servicesDir = join(dir, "services");
  const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
  // Written to a second file and renamed. Only the owner can read it, because settings may contain secrets.
  const write = (path: string, value: unknown) => {
    writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  return {
    dir,
    create(): void {
      mkdirSync(servicesDir, { recursive: true, mode: 0o700 });
      mkdirSync(join(dir, "logs"), { recursive: true });
    },
    logPath: (id: string) => join(dir, "logs", `${id}.log`),
    stack: (): StackRecord | undefined =>
      existsSync(join(dir, "stack.json")) ? read<StackRecord>(join(dir, "stack.json")) : undefined,
    /** The engine of `make up`; undefined if the stack is down or was not started by make. */
    engine(): string | undefined {
      const path = join(dir, "up.env");
      return existsSync(path) ? /^ENGINE=(\w+)$/m.exec(readFileSync(path, "utf8"))?.[1] : undefined;
    },
    saveStack: (record: StackRecord) => write(join(dir, "stack.json"), record),
    services: (): ServiceRecord[] =>
      existsSync(servicesDir)
        ? readdirSync(servicesDir)
            .filter((name) => name.endsWith(".json"))
            .sort()
            .map((name) => read<ServiceRecord>(join(servicesDir, name)))
        : [],
    service(id: string): ServiceRecord | undefined {
      const path = join(servicesDir, `${id}.json`);
      return existsSync(path) ? read<ServiceRecord>(path) : undefined;
    },
    saveService: (record: ServiceRecord) => write(join(servicesDir, `${record.id}.json`), record),
    forgetService: (id: string) => rmSync(join(servicesDir, `${id}.json`), { force: true }),
    /** Removes everything but the logs of the last run, which an operator may still need. */
    clear(): void {
      for (const name of existsSync(dir) ? readdirSync(dir) : [])
        if (name !== "logs" && name !== "lock") rmSync(join(dir, name), { recursive: true, force: true });
    },
  };
}

export type StateDir = ReturnType<typeof openStateDir>;
