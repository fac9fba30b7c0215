import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Presence } from "../../services/signaling/presence/presence.ts";
import { command } from "../support/model/commands.ts";
import { createWorld } from "../support/model/world.ts";

const runs = Number(process.env["MODEL_RUNS"] ?? 2_000);

const scenario = fc.record({
  seed: fc.nat(),
  slow: fc.constantFrom(3, 3, 40, 400),
  order: fc.constantFrom("server" as const, "channel" as const),
  relays: fc.array(fc.constantFrom("addressed" as const, "addressed" as const, "adapter" as const), {
    minLength: 3,
    maxLength: 3,
  }),
  commands: fc.array(command, { minLength: 8, maxLength: 30 }),
});

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The violations of the contract in one run, and the number of signals promised to peers on other replicas. */
async function play(
  { seed, slow, order, relays, commands }: typeof scenario extends fc.Arbitrary<infer T> ? T : never,
  weaken?: (presence: Presence) => Presence,
): Promise<{ broken: string[]; across: number }> {
  const advance = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));
  const world = await createWorld({ seed, slow, order, relays, advance, ...(weaken === undefined ? {} : { weaken }) });
  try {
    for (const { step, thenMs } of commands) {
      await step(world);
      await advance(thenMs);
    }
    await advance(1_500);
    return { broken: world.broken(), across: world.across() };
  } finally {
    world.end();
  }
}

test(`${runs} runs: an acknowledged signal reaches every settled peer, once`, async () => {
  let promised = 0;
  const property = fc.asyncProperty(scenario, async (given) => {
    const { broken, across } = await play(given);
    promised += across;
    expect(broken).toEqual([]);
  });
  await fc.assert(property, { numRuns: runs });
  process.stdout.write(`${runs} runs: ${promised} signals promised to a peer on another replica\n`);
  expect(promised).toBeGreaterThan(runs);
}, 180_000);

const nobody: ReadonlySet<string> = new Set();
const faults: [name: string, weaken: (presence: Presence) => Presence][] = [
  [
    "acks that wait for nobody",
    (presence) => ({
      ...presence,
      enter(...given) {
        presence.enter(...given);
        return true;
      },
    }),
  ],
  ["relays that go to known members alone", (presence) => ({ ...presence, unsure: () => nobody })],
];

test.each(faults)(
  "the model finds the window of %s",
  async (_, weaken) => {
    const property = fc.asyncProperty(scenario, async (given) => (await play(given, weaken)).broken.length === 0);
    const found = await fc.check(property, { numRuns: runs, endOnFailure: true });
    expect(found.failed).toBe(true);
  },
  60_000,
);
