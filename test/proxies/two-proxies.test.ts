import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { status } from "../../ops/commands/status.ts";
import type { Drill } from "../../ops/drills/define-drill.ts";
import { balanced } from "../../ops/drills/drills.ts";
import { heal } from "../../ops/heal/heal.ts";
import { writeReport } from "../../ops/report/write.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { changeAdmin } from "../../ops/stack/http.ts";
import { changeProxies, proxyViews } from "../../ops/stack/replica-table.ts";
import { scale } from "../../ops/stack/scale.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
beforeAll(async () => {
  stack = await startProcessStack({ PROXIES: "2", CALLS: "0", PROBE_EVERY_MS: "0" });
});
afterEach(async () => {
  await heal(stack);
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const run = (drill: Drill, control = false) =>
  runDrill(stack, drill, { seed: 1, control, signal: new AbortController().signal, tell: () => undefined });

test.for(balanced.map((drill) => [drill.name, drill] as const))(
  "%s passes, and leaves the stack at steady state",
  async ([, drill]) => {
    const result = await run(drill);
    const figures = result.expectations.map(({ name, measured, bound }) => `${name}: ${measured} (${bound})`);
    process.stdout.write(`${drill.name}: ${figures.join("; ")}\n`);
    writeReport(stack.root, result);
    expect(result.verdict, [...result.reasons, ...figures].join("; ")).toBe("passed");
    expect(await unsteady(stack)).toEqual([]);
  },
);

/** `THIRD=1`, `2` or `3` runs every third control; unset, as 1. */
const { THIRD: third = "1" } = process.env;
const controlled = balanced.filter((_, place) => place % 3 === Number(third) % 3);

test.for(controlled.map((drill) => [drill.name, drill] as const))(
  "negative control: %s deviates when what it proves is off",
  { timeout: 120_000 },
  async ([, drill]) => {
    const result = await run(drill, true);
    const off = result.expectations.filter(({ ok }) => !ok).map(({ name, measured }) => `${name}: ${measured}`);
    process.stdout.write(`control of ${drill.name}: ${off.join("; ")}\n`);
    expect(result.verdict, [...off, ...result.reasons].join("; ")).toBe("deviated");
    expect(await unsteady(stack)).toEqual([]);
  },
);

const base = (variable: string) => `http://127.0.0.1:${stack.layout.port(variable)}/socket.io/?EIO=4&transport=polling`;

test.for([
  ["kill", "start"],
  ["pause", "resume"],
  ["restart", undefined],
] as const)(
  "polls that alternate between the two proxies never meet an unknown session when either is hit by %s",
  async ([breaks, mends]) => {
    const ways = { proxy: base("PROXY_1_PORT"), "proxy-2": base("PROXY_2_PORT") };
    const opened = await (await fetch(ways.proxy)).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    const answers = new Set<string>();
    let asked = 0;
    // The first is the namespace's CONNECT; each poll is answered by what the packet before it brought.
    const ask = async (id: keyof typeof ways) => {
      const packet = asked === 0 ? "40/signaling," : `42/signaling,${asked}["leave","none"]`;
      asked += 1;
      for (const init of [{ method: "POST", body: packet }, {}]) {
        const answer = await fetch(`${ways[id]}&sid=${sid}`, init);
        const text = await answer.text();
        answers.add(answer.ok ? "ok" : `${answer.status} ${text}`);
      }
    };
    const alternate = async () => {
      for (let i = 0; i < 20; i++) await ask(i % 2 === 0 ? "proxy" : "proxy-2");
    };
    await alternate();
    for (const [broken, other] of [
      ["proxy-2", "proxy"],
      ["proxy", "proxy-2"],
    ] as const) {
      await runAction(stack, breaks, broken);
      for (let i = 0; i < 5; i++) await ask(other);
      if (mends !== undefined) await runAction(stack, mends, broken);
      await alternate();
    }
    expect([...answers]).toEqual(["ok"]);
  },
);

test("both proxies are told what operators change, and one that was down knows it from the table file", async () => {
  const views = async () => {
    const seen = await proxyViews(stack.engine.endpoints);
    return Object.entries(seen).map(([id, rows]) => `${id}: ${rows.map((row) => `${row.id} ${row.state}`).join(", ")}`);
  };
  const four = "signaling-1 ready, signaling-2 ready, signaling-3 ready, signaling-4 ready";
  await runAction(stack, "kill", "proxy-2");
  await scale(stack, 4, () => undefined);
  expect(await views()).toEqual([`proxy: ${four}`]);
  await changeProxies(stack.engine.endpoints, "POST", "/replicas/signaling-1/drain", {});
  await stack.engine.start("proxy-2");
  const drained = four.replace("signaling-1 ready", "signaling-1 draining");
  await until("both see the same", async () => (await views()).join("|") === `proxy: ${drained}|proxy-2: ${drained}`);
  await changeProxies(stack.engine.endpoints, "POST", "/replicas/signaling-1/undrain", {});
  await scale(stack, 3, () => undefined);
  const three = four.replace(", signaling-4 ready", "");
  expect(await views()).toEqual([`proxy: ${three}`, `proxy-2: ${three}`]);
});

test("a proxy that drains takes clients through the balancer no more, and heal ends the drain", async () => {
  const { endpoints } = stack.engine;
  const ask = () =>
    fetch(`http://127.0.0.1:${stack.layout.port("PROXY_PORT")}/nowhere`, { headers: { connection: "close" } });
  const refused = async (id: string) => {
    const text = await (await fetch(`${endpoints.proxyAdmins[id]}/metrics`)).text();
    return Number(/^proxy_rejected_total\{reason="path"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  await changeAdmin(endpoints, "POST", `${endpoints.proxyAdmins["proxy-2"]}/drain`, {});
  await until("eight connections in a row reach the other one", async () => {
    const before = await refused("proxy");
    for (let n = 0; n < 8; n += 1) expect((await ask()).status).toBe(404);
    return (await refused("proxy")) - before === 8;
  });
  await heal(stack);
  await until("the second proxy takes connections again", async () => {
    const before = await refused("proxy-2");
    for (let n = 0; n < 4; n += 1) await ask();
    return (await refused("proxy-2")) > before;
  });
});

test("make status shows both, each with its own tunnels", async () => {
  const lines: string[] = [];
  const code = await status.run(
    { stack, print: (line: string) => lines.push(line) } as unknown as Parameters<typeof status.run>[0],
    [],
  );
  expect(code).toBe(0);
  for (const id of ["proxy", "proxy-2", "balancer"]) expect(lines.some((line) => line.startsWith(`${id} `))).toBe(true);
  expect(lines.find((line) => line.startsWith("signaling-1"))).toMatch(/ready +0\+0 /);
});
