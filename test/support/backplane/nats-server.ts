import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node";
import { natsIds } from "../../../ops/nats/ids.ts";
import { natsLaunch } from "../../../ops/process/nats-server.ts";
import { freePort } from "../free-port.ts";
import { until } from "../poll.ts";
import { type Program, startProgram } from "../program.ts";
import type { RedisServer } from "../redis-server.ts";
import type { Certificate } from "./certificate.ts";

/** The user of replicas at the servers of a test. */
export const natsUser = { user: "replica", pass: 'p%40ss:w/rd"$\\' };

/** The user of `make watch-backplane`. */
export const natsWatcher = { user: "ops", pass: "may only look" };

/** Variables of a replica for the user of replicas. */
export const natsCredentials = { NATS_USERNAME: natsUser.user, NATS_PASSWORD: natsUser.pass };

/**
 * Real nats-servers on free ports of the loopback interface, with the configuration of a stack: one, or a cluster of
 * three.
 *
 * @param certificate of servers that speak TLS alone
 */
export async function startNatsServers(
  nats: "single" | "cluster" = "single",
  certificate?: Certificate,
): Promise<RedisServer[]> {
  const settings = {
    BACKPLANE: "nats",
    NATS: nats,
    NATS_PASSWORD: natsUser.pass,
    NATS_CLUSTER_PASSWORD: "between/servers%",
    NATS_OPS_PASSWORD: natsWatcher.pass,
  };
  const ids = natsIds(settings);
  const ports = new Map<string, number>();
  for (const id of ids.map((one) => one.toUpperCase().replace("-", "_"))) {
    ports.set(`${id}_PORT`, await freePort());
    ports.set(`${id}_CLUSTER_PORT`, await freePort());
  }
  const dir = mkdtempSync(join(tmpdir(), "nats-"));
  const port = (name: string) => ports.get(name) ?? 0;
  const servers = ids.map((id) => {
    const at = port(`${id.toUpperCase().replace("-", "_")}_PORT`);
    return createServer(at, certificate, () => {
      const { command, args } = natsLaunch({ root: ".", dir, port, settings, app: undefined }, id);
      if (certificate !== undefined)
        appendFileSync(args.at(-1) ?? "", `tls { cert_file: "${certificate.cert}", key_file: "${certificate.key}" }\n`);
      return startProgram(command, args);
    });
  });
  await Promise.all(servers.map(({ start }) => start()));
  return servers.map((server) => ({
    ...server,
    async [Symbol.asyncDispose]() {
      await server.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  }));
}

function createServer(port: number, certificate: Certificate | undefined, run: () => Program) {
  const tls = certificate === undefined ? {} : { tls: { ca: readFileSync(certificate.ca, "utf8") } };
  let program: Program;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    process: () => program,
    kill: () => program[Symbol.asyncDispose](),
    async start(): Promise<void> {
      program = run();
      program.child.once("error", (error) => {
        throw new Error(`nats-server cannot be started (apt-get install nats-server): ${error.message}`);
      });
      await until("nats-server answers", async () => {
        const client = await connectNats({ port, ...tls });
        await client.close();
        return true;
      });
    },
  };
}

/** Connects as that user. */
export const connectNats = (options: NodeConnectionOptions) => connect({ ...natsUser, ...options, reconnect: false });
