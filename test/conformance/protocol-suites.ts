import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";

/**
 * Runs the reference Engine.IO v4 and Socket.IO v5 protocol test suites, unchanged, twice: against one plain server,
 * and through the proxy in front of three. They belong to Socket.IO and are not in this repository:
 *
 *     git clone --depth 1 https://github.com/socketio/socket.io /tmp/socket.io
 *     SOCKETIO_REPO=/tmp/socket.io node test/conformance/protocol-suites.ts
 *
 * The suites insist on port 3000 of localhost, so it all runs in a network namespace of its own (needs unshare).
 */
const suites = {
  "Engine.IO v4": "docs/engine.io-protocol/v4-test-suite",
  "Socket.IO v5": "docs/socket.io-protocol/v5-test-suite",
};
const programs = join(import.meta.dirname, "../..");
const [inside] = process.argv.slice(2);

if (inside === undefined) prepare();
else await run(inside);

/** Copies the suites, installs their dependencies, and runs this file again inside a network namespace. */
function prepare(): void {
  const checkout = process.env["SOCKETIO_REPO"] ?? "";
  if (!Object.values(suites).every((path) => existsSync(join(checkout, path, "test-suite.js")))) {
    process.stderr.write(
      "SOCKETIO_REPO must be a checkout of https://github.com/socketio/socket.io: git clone --depth 1 it, then SOCKETIO_REPO=<path> node test/conformance/protocol-suites.ts\n",
    );
    process.exit(78);
  }
  const dir = mkdtempSync(join(tmpdir(), "conformance-"));
  for (const [name, path] of Object.entries(suites)) {
    cpSync(join(checkout, path), join(dir, name), { recursive: true });
    execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: join(dir, name),
      stdio: "inherit",
    });
  }
  const isRoot = process.getuid?.() === 0;
  const command = `ip link set lo up && exec "$0" "$@"`;
  const { status } = spawnSync(
    "unshare",
    [isRoot ? "-n" : "-rn", "sh", "-c", command, process.execPath, import.meta.filename, dir],
    { stdio: "inherit" },
  );
  rmSync(dir, { recursive: true });
  process.exit(status ?? 1);
}

async function run(dir: string): Promise<void> {
  let failures = 0;
  const counts = async (where: string) => {
    for (const name of Object.keys(suites)) {
      const { passes, failed } = runSuite(join(dir, name));
      failures += failed.length;
      process.stdout.write(`${name}, ${where}: ${passes} passed, ${failed.length} failed\n`);
      for (const title of failed) process.stdout.write(`  failed: ${title}\n`);
    }
  };
  {
    await using server = startProgram(process.execPath, [join(import.meta.dirname, "reference-server.ts"), "3000"]);
    await answers("http://localhost:3000", server.output);
    await counts("direct");
  }
  const ports = [3001, 3002, 3003];
  const servers = ports.map((port) =>
    startProgram(process.execPath, [join(import.meta.dirname, "reference-server.ts"), String(port)]),
  );
  for (const [index, port] of ports.entries())
    await answers(`http://localhost:${port}`, servers[index]?.output ?? String);
  await using proxy = startProgram(process.execPath, [join(programs, "proxy/main.ts")], {
    REPLICAS: ports.map((port) => `server-${port}=http://localhost:${port}|http://localhost:${port}/`).join(","),
    STICKY_KEY: "ip",
    PROXY_PATHS: "/engine.io/,/socket.io/",
    PROXY_HOST: "localhost",
    PROXY_PORT: "3000",
    PROXY_ADMIN_PORT: "3100",
    LOG_LEVEL: "warn",
  });
  await answers("http://localhost:3000", proxy.output);
  await counts("through the proxy");
  for (const server of servers) await server[Symbol.asyncDispose]();
  process.exitCode = failures === 0 ? 0 : 1;
}

async function answers(url: string, output: () => string): Promise<void> {
  await until(`${url} answers; it said: ${output()}`, async () => (await fetch(url)).status > 0);
}

interface Report {
  stats: { passes: number };
  failures: { fullTitle: string; err: { message: string } }[];
}

function runSuite(dir: string): { passes: number; failed: string[] } {
  const report = join(dir, "report.json");
  spawnSync(
    process.execPath,
    [
      "node_modules/mocha/bin/mocha",
      "test-suite.js",
      "--exit",
      "--reporter",
      "json",
      "--reporter-option",
      `output=${report}`,
    ],
    { cwd: dir, stdio: ["ignore", "ignore", "inherit"] },
  );
  const { stats, failures } = JSON.parse(readFileSync(report, "utf8")) as Report;
  return { passes: stats.passes, failed: failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`) };
}
