import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { startBackplaneServer, type Variant } from "../support/backplane/backplane-server.ts";
import { command } from "../support/model/commands.ts";
import { createRealWorld } from "../support/model/real-world.ts";

const runs = Number(process.env["MODEL_RUNS"] ?? 50);
/** Here an ack takes a round trip, and commands act on peers with an acknowledged join. */
const leastMs = 4;
const variants: Variant[] = ["pubsub", "sharded"];

test(`${runs} runs of the model on real replicas: an acknowledged signal reaches every settled peer, once`, async () => {
  let promised = 0;
  for (const variant of variants) {
    await using server = await startBackplaneServer(variant);
    const property = fc.asyncProperty(fc.array(command, { minLength: 25, maxLength: 50 }), async (commands) => {
      const world = await createRealWorld(server);
      try {
        for (const { step, thenMs } of commands) {
          await step(world);
          await delay(Math.max(thenMs, leastMs));
        }
        // The longest transit of a signal, plus a stall of the machine.
        await delay(1_500);
        promised += world.across();
        expect(world.broken()).toEqual([]);
      } finally {
        await world.end();
      }
    });
    await fc.assert(property, { numRuns: runs / variants.length, endOnFailure: true });
  }
  process.stdout.write(`${runs} runs: ${promised} signals promised to a peer on another replica\n`);
  expect(promised).toBeGreaterThan(runs);
}, 1_800_000);
