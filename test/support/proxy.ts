import { readdirSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { until } from "./poll.ts";
import { type Program, startProgram } from "./program.ts";

/** The proxy as a child process on free ports of the loopback interface. */
export interface ProxyProgram {
  port: number;
  url: string;
  admin: string;
  program: Program;
  /** Current value of one sample of its metrics, `name{label="…"}`; 0 while the sample does not exist. */
  metric(sample: string): Promise<number>;
  /** `GET /replicas`, by id. */
  replica(id: string): Promise<{ state: string; tunnels: number }>;
  call(method: string, path: string, body?: unknown): Promise<Response>;
  descriptors(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `id=http://…|http://…/readyz` of a replica whose public listener answers `/readyz` too, without a `readyPort`. */
export const specOf = ({ id, port, readyPort = port }: { id: string; port: number; readyPort?: number }) =>
  `${id}=http://127.0.0.1:${port}|http://127.0.0.1:${readyPort}/readyz`;

/**
 * Starts `node proxy/main.ts` before these replicas and waits until it listens.
 *
 * @param wantedPort its public port; any free one unless given
 */
export async function startProxyProgram(
  replicas: readonly { id: string; port: number; readyPort?: number }[],
  env: Record<string, string> = {},
  wantedPort?: number,
): Promise<ProxyProgram> {
  const [port, adminPort] = [wantedPort ?? (await freePort()), await freePort()];
  const program = startProgram(process.execPath, ["proxy/main.ts"], {
    REPLICAS: replicas.map(specOf).join(","),
    PROXY_PORT: String(port),
    PROXY_ADMIN_PORT: String(adminPort),
    LOG_LEVEL: "warn",
    STICKY_SECRET: "test",
    ...env,
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  const { child } = program;
  const hasEnded = () =>
    child.exitCode !== null && (child.stdout?.readableEnded ?? true) && (child.stderr?.readableEnded ?? true);
  const listening = async () =>
    hasEnded() ||
    ((await fetch(`${admin}/healthz`)).ok &&
      (await fetch(`http://127.0.0.1:${port}/nowhere`, { redirect: "manual" })).status > 0);
  await until("the proxy listens", listening, { withinMs: 25_000 });
  if (hasEnded()) throw new Error(program.output());
  return {
    port,
    admin,
    program,
    url: `http://127.0.0.1:${port}`,
    async metric(sample) {
      const text = await (await fetch(`${admin}/metrics`)).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${sample} `));
      return Number(line?.slice(sample.length + 1) ?? 0);
    },
    async replica(id) {
      const rows = (await (await fetch(`${admin}/replicas`)).json()) as {
        id: string;
        state: string;
        tunnels: number;
      }[];
      const row = rows.find((candidate) => candidate.id === id);
      if (row === undefined) throw new Error(`no replica ${id}`);
      return row;
    },
    call: (method, path, body = {}) =>
      fetch(`${admin}${path}`, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    descriptors: () => readdirSync(`/proc/${program.pid}/fd`).length,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
