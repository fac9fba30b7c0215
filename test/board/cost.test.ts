import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { boardUrl } from "./board-page.ts";

const viewers = 60;
const measuredMs = 12_000;
/** Ticks a second in /proc: USER_HZ is always 100 on Linux (proc(5)). */
const ticks = 100;

let stack: ProcessStack;

beforeAll(async () => {
  stack = await startProcessStack({ CALLS: "20" });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

/** CPU seconds that a service has used, from /proc: user and system. */
function cpuOf(id: string): number {
  const pid = stack.state.service(id)?.process?.pid;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** Share of a core that each service uses in the time measured. */
async function shares(ids: readonly string[]): Promise<Record<string, number>> {
  const before = ids.map(cpuOf);
  const from = performance.now();
  await wait(measuredMs);
  const seconds = (performance.now() - from) / 1_000;
  return Object.fromEntries(ids.map((id, index) => [id, (cpuOf(id) - (before[index] ?? 0)) / seconds]));
}

test("60 viewers: the board stays below 10 % of a core, with one set of polls", async () => {
  const streams: IncomingMessage[] = [];
  let events = 0;
  const polls = () => readMetric({ adminUrl: boardUrl(stack) }, "board_polls_total");
  /** Polls a second while `during` lasts. */
  async function pollRate(during: () => Promise<void>): Promise<number> {
    const from = performance.now();
    const before = await polls();
    await during();
    return (((await polls()) - before) * 1_000) / (performance.now() - from);
  }
  try {
    const pollsAlone = await pollRate(() => wait(5_000));
    for (let index = 0; index < viewers; index += 1)
      await new Promise<void>((resolve, reject) => {
        get(`${boardUrl(stack)}/events`, { agent: false }, (response) => {
          response.on("data", (chunk: Buffer) => {
            events += chunk.toString("latin1").split("data: ").length - 1;
          });
          streams.push(response);
          resolve();
        }).on("error", reject);
      });
    await until(
      "all are viewers",
      async () => (await readMetric({ adminUrl: boardUrl(stack) }, "board_viewers")) === viewers,
    );
    events = 0;
    let board = 1;
    const pollsWatched = await pollRate(async () => {
      ({ board = 1 } = await shares(["board"]));
    });
    process.stdout.write(
      `board with ${viewers} viewers: ${(board * 100).toFixed(1)} % of a core, ${(events / viewers / (measuredMs / 1_000)).toFixed(1)} events a second each; polls a second ${pollsAlone.toFixed(1)} alone, ${pollsWatched.toFixed(1)} watched\n`,
    );
    expect(events / viewers).toBeGreaterThan((measuredMs / 1_000) * 0.8);
    expect(board).toBeLessThan(0.1);
    expect(pollsWatched).toBeLessThan(pollsAlone * 1.15);
  } finally {
    for (const stream of streams) stream.destroy();
  }
});

test("its polls cost the proxy and each replica at most 1 % of a core", async () => {
  const ids = ["proxy", "signaling-1", "signaling-2", "signaling-3"];
  // Forty boards poll instead of one. The cost of one board is a fortieth of the difference.
  const boards = 40;
  const everyMs = 250;
  const { endpoints } = stack.engine;
  const urls = [
    `${endpoints.proxyAdmin}/pulse`,
    ...ids.slice(1).map((id) => `${endpoints.replica(id).admin}/pulse?salt=test`),
  ];
  const alone = await shares(ids);
  const polling = new AbortController();
  let asked = 0;
  const agents = Promise.all(
    Array.from({ length: boards }, async () => {
      for (;;) {
        if (polling.signal.aborted) return;
        const from = performance.now();
        await Promise.all(urls.map(async (url) => (await fetch(url)).arrayBuffer()));
        asked += 1;
        await wait(Math.max(0, everyMs - (performance.now() - from)));
      }
    }),
  );
  const began = performance.now();
  const watched = await shares(ids);
  const perSecond = (asked * 1_000) / (performance.now() - began);
  polling.abort();
  await agents;
  // The real number of polls, compared with the four polls a second of one board.
  const extra = perSecond / (1_000 / everyMs);
  const costs = Object.fromEntries(ids.map((id) => [id, ((watched[id] ?? 1) - (alone[id] ?? 0)) / extra]));
  process.stdout.write(
    `polls of one board cost: ${ids.map((id) => `${id} ${((costs[id] ?? 1) * 100).toFixed(2)} %`).join(", ")} of a core (${perSecond.toFixed(0)} looks a second asked)\n`,
  );
  for (const id of ids) expect(costs[id], id).toBeLessThan(0.01);
});
