import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { heal } from "../../ops/heal/heal.ts";
import { changeDrain } from "../../ops/stack/replica-table.ts";
import { roll } from "../../ops/stack/roll.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { allHeld, busiest, type Held, pass, stateOf, unexpectedLosses } from "./held.ts";

const root = join(import.meta.dirname, "../..");

/** An example application with its authors' clients. */
export interface RealClients {
  example: string;
  /** Settings of the stack. */
  settings?: Record<string, string>;
  /** Connects some clients, which spread over the replicas. */
  connect(url: string): Promise<Held[]>;
  /** Checks the application's own function, besides its connections. */
  works(url: string, clients: readonly Held[]): Promise<void>;
}

/** An action on the replicas, and the replicas whose clients may lose their connection. */
type Step = (stack: ProcessStack, clients: readonly Held[], works: () => Promise<void>) => Promise<string[]>;
const nobody = () => false;

const steps: Readonly<Record<string, Step>> = {
  "kill, and the return of the replica": async (stack, clients, works) => {
    const node = busiest(clients);
    const byKill = await unexpectedLosses(
      clients,
      (loss) => loss.node === node,
      async () => {
        await stack.engine.kill(node);
        await allHeld(clients, { without: [node] });
      },
    );
    return [...byKill, ...(await unexpectedLosses(clients, nobody, () => comeBack(stack, node, clients, works)))];
  },
  freeze: async (stack, clients, works) => {
    const node = busiest(clients);
    const byFreeze = await unexpectedLosses(
      clients,
      (loss) => loss.node === node,
      async () => {
        await stack.engine.pause(node);
        await allHeld(clients, { without: [node] });
      },
    );
    return [...byFreeze, ...(await unexpectedLosses(clients, nobody, () => comeBack(stack, node, clients, works)))];
  },
  "a drain through the proxy": (stack, clients) =>
    unexpectedLosses(clients, nobody, async () => {
      const { endpoints } = stack.engine;
      const node = busiest(clients);
      await changeDrain(endpoints, node, "drain");
      await until("it drains", async () => (await stateOf(stack, node)) === "draining");
      await pass(5_000);
      await changeDrain(endpoints, node, "undrain");
      await until("it takes sessions again", async () => (await stateOf(stack, node)) === "ready");
    }),
  "a rolling restart": async (stack, clients) => {
    const turns: { id: string; from: number; to: number }[] = [];
    const inTurn = ({ at, node }: { at: number; node: string | null }) =>
      turns.some(({ id, from, to }) => id === node && from <= at && at <= to);
    return unexpectedLosses(clients, inTurn, async () => {
      let from = Date.now();
      await roll(stack, (id) => {
        turns.push({ id, from, to: Date.now() });
        from = Date.now();
      });
      await allHeld(clients);
    });
  },
};

/** The replica returns, and every client makes requests: nobody is moved to it. */
async function comeBack(
  stack: ProcessStack,
  node: string,
  clients: readonly Held[],
  works: () => Promise<void>,
): Promise<void> {
  const before = clients.map((one) => one.node());
  await heal(stack);
  await until("it is back", async () => (await stateOf(stack, node)) === "ready");
  await works();
  await pass(3_000);
  await works();
  expect(clients.map((one) => one.node())).toEqual(before);
}

/**
 * Holds the application's own clients through each step. A client must not lose its connection while its replica is
 * alive.
 */
export function testRealClients(
  { example, settings = {}, connect, works }: RealClients,
  { only = Object.keys(steps), idleMs = 0 }: { only?: readonly string[]; idleMs?: number } = {},
): void {
  describe(`${example}, its own clients`, () => {
    let stack: ProcessStack;
    let clients: Held[] = [];
    const url = () => stack.engine.endpoints.proxy;
    beforeAll(async () => {
      if (existsSync(join(root, "examples", example, "package.json")) && example !== "chat")
        execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", `examples/${example}`], { cwd: root });
      const app = { APP: `examples/${example}/app.env`, CALLS: "0", PROBE_EVERY_MS: "0" };
      stack = await startProcessStack({ ...app, ...settings });
      clients = await connect(url());
      await allHeld(clients);
      expect(new Set(clients.map((one) => one.node())).size).toBeGreaterThan(1);
    });
    afterEach(() => heal(stack));
    afterAll(async () => {
      await Promise.all(clients.map((one) => one.close()));
      await stack?.[Symbol.asyncDispose]();
    });

    test.for(only)("0 unexpected disconnects: %s", async (step) => {
      expect(await steps[step]?.(stack, clients, () => works(url(), clients))).toEqual([]);
      await works(url(), clients);
    });
    if (idleMs > 0)
      test(`0 unexpected disconnects: idle for ${idleMs / 1_000} s`, async () => {
        expect(await unexpectedLosses(clients, nobody, async () => void (await pass(idleMs)))).toEqual([]);
        await works(url(), clients);
      });
  });
}
