import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createWorld } from "../support/model/world.ts";

const replicas = [0, 1, 2] as const;
const stepMs = 20;

const scenario = fc.record({
  seed: fc.nat(),
  slow: fc.constantFrom(3, 40),
  order: fc.constantFrom("server" as const, "channel" as const),
  kinds: fc.tuple(...replicas.map(() => fc.constantFrom("socketio" as const, "ws" as const))),
  /** When each replica goes to the next server, ms; null: never, since it cannot know of it. */
  movesAt: fc.tuple(...replicas.map(() => fc.option(fc.nat({ max: 1_000 })))),
});

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

test("replicas go to another server at different moments: no acknowledged signal is lost", async () => {
  let acknowledged = 0;
  const property = fc.asyncProperty(scenario, async ({ seed, slow, order, kinds, movesAt }) => {
    const advance = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));
    const world = await createWorld({ seed, slow, order, relays: [], advance });
    try {
      for (const index of replicas) world.join(index, "a", kinds[index] ?? "socketio");
      await advance(2_000);
      const before = world.across();
      for (let ms = 0; ms < 7_000; ms += stepMs) {
        for (const index of replicas) {
          const at = movesAt[index] ?? null;
          if (at !== null && at >= ms && at < ms + stepMs) world.move(index, 1);
        }
        for (const peer of world.connected()) world.send(peer);
        await advance(stepMs);
      }
      acknowledged += world.across() - before;
      await advance(1_500);
      expect(world.broken()).toEqual([]);
    } finally {
      world.end();
    }
  });
  await fc.assert(property, { numRuns: 60 });
  process.stdout.write(`60 runs: ${acknowledged} signals acknowledged to a peer on another replica\n`);
  expect(acknowledged).toBeGreaterThan(10_000);
}, 120_000);
