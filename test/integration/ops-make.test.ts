import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freePortBase } from "../support/free-port.ts";

const root = join(import.meta.dirname, "../..");
const stack = `test-make-${process.pid}`;
const stateDir = join(root, ".stack", stack);

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs make on a stack of this test, with npm's variable NODE set, as in every npm script. */
function make(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const given = {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      NODE: process.execPath,
      ENV_FILE: "/dev/null",
    };
    execFile(
      "make",
      args,
      { cwd: root, env: { ...given, STACK: stack, ENGINE: "process", ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

afterAll(async () => {
  await make(["down"]);
  rmSync(stateDir, { recursive: true, force: true });
}, 120_000);

test("make alone lists every target in 80 columns", async () => {
  const { stdout, code } = await make([]);
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  const targets = readFileSync(join(root, "Makefile"), "utf8").matchAll(/^([a-z][a-z-]*):/gm);
  for (const [, target = ""] of targets) expect(stdout).toMatch(new RegExp(`^  make ${target} `, "m"));
});

test("without a running stack one line says what to do", async () => {
  expect(await make(["status"])).toMatchObject({ stdout: `the stack "${stack}" is not up: make up\n` });
  const killed = await make(["kill-node"]);
  expect(killed.stderr.split("\n")[0]).toBe(`ops: the stack "${stack}" is not up: make up`);
  expect(killed.code).toBe(2);
});

test("bad settings are refused in one line before any action", async () => {
  const first = async (env: Record<string, string>) => (await make(["up"], env)).stderr.split("\n")[0];
  expect(await first({ ENGINE: "swarm" })).toBe("make: ENGINE=swarm: must be one of compose process kubernetes");
  expect(await first({ STACK: "Über" })).toMatch(/^make: STACK=[?]+ber: must be lower-case letters/);
  expect(await first({ PORT_BASE: "1e3" })).toBe("make: PORT_BASE=1e3: must be a whole number from 0 to 50000");
});

test("an unread variable is named; a taken port is named with its variable and its process, and nothing is started", async () => {
  const holder = createServer();
  await once(holder.listen(0, "127.0.0.1"), "listening");
  const { port } = holder.address() as AddressInfo;
  const { code, stderr } = await make(["up", "PROBE_FAL=3"], {
    PORT_BASE: String(await freePortBase()),
    SIGNALING_2_ADMIN_PORT: String(port),
  });
  holder.close();
  expect(code).toBe(2);
  const misspelled = "make: PROBE_FAL is set, but nothing on the process engine reads it";
  expect(stderr.split("\n")[0]).toContain(misspelled);
  expect(stderr).toMatch(
    new RegExp(
      `\\nmake: port ${port} \\(SIGNALING_2_ADMIN_PORT\\) is taken by \\S+ \\(pid ${process.pid}\\)\\nmake: stop what`,
    ),
  );
  expect(existsSync(join(stateDir, "services"))).toBe(false);
});

test("two simultaneous ups make one stack; its settings hold for later commands; down ends it", async () => {
  const PORT_BASE = String(await freePortBase());
  const ups = await Promise.all([
    make(["up"], { PORT_BASE, STICKY_KEY: "room" }),
    make(["up"], { PORT_BASE, STICKY_KEY: "room" }),
  ]);
  for (const { code, stdout, stderr } of ups) {
    // On a slow machine it says that it goes on.
    expect(stderr.replace(/^… .*\n/gm, "")).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(`the stack "${stack}" is ready on the process engine:`);
  }
  expect(ups.map(({ stdout }) => stdout.match(/^started /gm)?.length ?? 0).sort()[0]).toBe(0);
  // From here on the commands omit PORT_BASE and STICKY_KEY.
  const killed = await make(["kill-node", "NODE=2"]);
  expect(killed.stdout).toMatch(/^\$ kill -9 \d+\nwatch: /);
  expect((await make(["status"])).stdout).toMatch(/^signaling-2 +stopped/m);
  expect((await make(["kill-proxy"])).code).toBe(0);
  const healed = await make(["heal"]);
  expect(healed.stdout).toMatch(/^started proxy: /m);
  expect(readFileSync(join(stateDir, "services", "proxy.json"), "utf8")).toMatch('"STICKY_KEY": "room"');
  expect((await make(["down"])).stdout).toMatch(/^ended .*signaling-1/);
  expect((await make(["down"])).stdout).toBe(`the stack "${stack}" is not up\n`);
}, 180_000);
