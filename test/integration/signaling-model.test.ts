import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Presence } from "../../services/signaling/presence/presence.ts";
import { createWorld, type World } from "../support/model/world.ts";

const runs = Number(process.env["MODEL_RUNS"] ?? 2_000);

type Step = (world: World) => void | Promise<void>;
interface Command {
  name: string;
  /** ms that pass afterwards. */
  thenMs: number;
  step: Step;
}

const index = fc.nat({ max: 2 });
/** Of a peer, modulo how many there are. */
const place = fc.nat({ max: 7 });
const room = fc.constantFrom("a", "b");
const kind = fc.constantFrom("socketio" as const, "ws" as const);
/** Mostly in one tick or within the time of a message. */
const pause = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 4 }) },
  { weight: 2, arbitrary: fc.nat({ max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(350, 1_100, 3_200) },
);
const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length];

/** Something that is done to a peer that exists. */
const toPeer = (name: string, act: (world: World, peer: World["peers"][number], at: number) => void) =>
  fc.record({ at: place, to: index, thenMs: pause }).map(({ at, to, thenMs }): Command => {
    const step: Step = (world) => {
      const peer = pick(world.connected(), at);
      if (peer !== undefined) act(world, peer, to);
    };
    return { name: `${name} ${at}${name === "resume" ? ` on ${to}` : ""}`, thenMs, step };
  });
const toReplica = (name: string, act: (world: World, at: number) => void | Promise<void>) =>
  fc.record({ at: index, thenMs: pause }).map(({ at, thenMs }): Command => {
    return { name: `${name} ${at}`, thenMs, step: (world) => act(world, at) };
  });

const join = fc.record({ at: index, room, kind, thenMs: pause }).map((given): Command => {
  const step: Step = (world) => world.join(given.at, given.room, given.kind);
  return { name: `join ${given.room} on ${given.at} by ${given.kind}`, thenMs: given.thenMs, step };
});
const command = fc.oneof(
  { weight: 8, arbitrary: join },
  { weight: 10, arbitrary: toPeer("send", (world, peer) => world.send(peer)) },
  { weight: 1, arbitrary: toPeer("leave", (world, peer) => world.leave(peer)) },
  { weight: 2, arbitrary: toPeer("resume", (world, peer, at) => world.resume(peer, at)) },
  { weight: 1, arbitrary: toReplica("kill", (world, at) => world.kill(at)) },
  { weight: 1, arbitrary: toReplica("drain", (world, at) => world.drain(at)) },
  {
    weight: 1,
    arbitrary: toReplica("roll", async (world, at) => {
      world.kill(at);
      await world.start(at);
    }),
  },
  { weight: 1, arbitrary: toReplica("partition", (world, at) => world.partition(at)) },
  { weight: 1, arbitrary: toReplica("heal", (world, at) => world.heal(at)) },
);
const scenario = fc.record({
  seed: fc.nat(),
  slow: fc.constantFrom(3, 3, 40, 400),
  relay: fc.constantFrom("addressed" as const, "addressed" as const, "adapter" as const),
  commands: fc.array(command, { minLength: 4, maxLength: 24 }),
});

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the contract was broken by in one run, and how many signals it promised to peers on other replicas. */
async function play(
  { seed, slow, relay, commands }: typeof scenario extends fc.Arbitrary<infer T> ? T : never,
  weaken?: (presence: Presence) => Presence,
): Promise<{ broken: string[]; across: number }> {
  const advance = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));
  const world = await createWorld({ seed, slow, relay, advance, ...(weaken === undefined ? {} : { weaken }) });
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

test(`${runs} runs: what is acknowledged reaches every settled peer, once`, async () => {
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
  "it finds the window of %s",
  async (_, weaken) => {
    const property = fc.asyncProperty(scenario, async (given) => (await play(given, weaken)).broken.length === 0);
    const found = await fc.check(property, { numRuns: runs });
    expect(found.failed).toBe(true);
  },
  60_000,
);
