import { execFile, execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { portsOf } from "../../ops/ports.ts";
import { type ReplicaRow, replicaTable } from "../../ops/stack/replica-table.ts";
import { freePortBase } from "../support/free-port.ts";
import { until } from "../support/poll.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

export interface Container {
  Id: string;
  Name: string;
  RestartCount: number;
  State: { Running: boolean; Status: string; OOMKilled: boolean; Health?: { Status: string } };
  Config: { User: string; Env: string[]; Cmd: string[] | null; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapAdd: string[] | null;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    Privileged: boolean;
    Memory: number;
    PidsLimit: number | null;
    NanoCpus: number;
    Init: boolean | null;
    Binds: string[] | null;
    LogConfig: { Type: string; Config: Record<string, string> };
  };
  NetworkSettings: { Networks: Record<string, { IPAddress: string; Gateway: string }> };
}

/** A stack on the compose engine, operated with `make`. It ends with the test: `await using`. */
export interface ComposeStack extends AsyncDisposable {
  name: string;
  /** Base URL of a listener on the host, by its variable: `url("PROXY_PORT")`. */
  url(variable: string): string;
  port(variable: string): number;
  /** Runs a make target. Rejects with its output if it fails. `make("kill-node", "NODE=2")` */
  make(...args: string[]): Promise<string>;
  /** The proxy's table of replicas. */
  replicas(): Promise<ReplicaRow[]>;
  stateOf(id: string): Promise<string>;
  /** Docker's state of every container of the project, by service. */
  inspect(): Map<string, Container>;
  down(): Promise<void>;
}

/** Starts a stack with these overlays, and resolves when it is ready. */
export async function startComposeStack({
  overlays = [],
  env = {},
  checkout = root,
}: {
  overlays?: readonly string[];
  env?: Record<string, string>;
  /** Folder in which make runs. */
  checkout?: string;
} = {}): Promise<ComposeStack> {
  const portBase = await freePortBase();
  const name = `test-compose-${process.pid}-${portBase}`;
  const settings = {
    ...process.env,
    ...env,
    STACK: name,
    PORT_BASE: String(portBase),
    ENGINE: "compose",
    OVERLAYS: overlays.join(" "),
  };
  async function make(...args: string[]): Promise<string> {
    try {
      const { stdout, stderr } = await run("make", args, { cwd: checkout, env: settings, maxBuffer: 16 << 20 });
      return stdout + stderr;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`make ${args.join(" ")} failed:\n${stdout}${stderr}`);
    }
  }
  const port = portsOf(portBase, env);
  const url = (variable: string) => `http://127.0.0.1:${port(variable)}`;
  const replicas = () => replicaTable({ proxyAdmins: { proxy: url("PROXY_ADMIN_PORT") } });
  const down = async () => {
    await make("down");
    const images = docker(
      "image",
      "ls",
      "--format",
      "{{.Repository}}:{{.Tag}}",
      "--filter",
      `reference=hold-the-line/*:${name}`,
    );
    if (images !== "") docker("image", "rm", "--force", ...images.split("\n"));
    rmSync(join(checkout, ".stack", name), { recursive: true, force: true });
  };
  try {
    await make("up");
    await until("the proxy has every replica ready", async () =>
      (await replicas()).every(({ state }) => state === "ready"),
    );
  } catch (error) {
    await down();
    throw error;
  }
  return {
    name,
    url,
    port,
    make,
    replicas,
    stateOf: async (id) => (await replicas()).find((row) => row.id === id)?.state ?? "unknown",
    inspect: () => inspectAll(name),
    down,
    [Symbol.asyncDispose]: down,
  };
}

/** Runs the docker command; returns what it printed. */
export function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

function inspectAll(name: string): Map<string, Container> {
  const ids = docker("ps", "--all", "--quiet", "--filter", `label=com.docker.compose.project=${name}`).split("\n");
  const containers = JSON.parse(docker("inspect", ...ids)) as Container[];
  return new Map(containers.map((one) => [one.Config.Labels["com.docker.compose.service"] ?? "", one]));
}

/** The remains of a project: names of containers, networks and volumes. */
export function leftOvers(name: string): string[] {
  const label = ["--filter", `label=com.docker.compose.project=${name}`];
  return [
    docker("ps", "--all", "--format", "container {{.Names}}", ...label),
    docker("network", "ls", "--format", "network {{.Name}}", ...label),
    docker("volume", "ls", "--format", "volume {{.Name}}", ...label),
  ].filter((line) => line !== "");
}
