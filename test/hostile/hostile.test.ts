import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import { attacks } from "../../ops/hostile/attacks.ts";
import { until } from "../support/poll.ts";
import { addressAttacks } from "./addresses.ts";
import { adminAttacks } from "./admin.ts";
import { backplaneAttacks } from "./backplane.ts";
import { explain } from "./control/judge.ts";
import { type Outcome, openStage, type Stage } from "./stage.ts";
import { expectUnhurt, lineOf, needsAnotherRound } from "./verdict.ts";

/** The flags that both engines set. */
const secret = () => randomBytes(16).toString("hex");

/** Highest p99 of signals without an attack, ms. Above it the machine or the stack is too slow to begin. */
const calmMs = 100;

/** An attack may begin another round within this time, ms. */
const roundsMs = 25_000;
/** All further rounds together, ms. A machine that needs more is too slow to judge. */
let spareMs = 45_000;

let stage: Stage;
let begun: ReturnType<Stage["sizes"]>;
const table = "reports/test-hostile.txt";

beforeAll(async () => {
  mkdirSync("reports", { recursive: true });
  writeFileSync(table, "");
  stage = await openStage({ ADMIN_TOKEN: secret(), BACKPLANE_SECRET: secret() });
  await until(
    `the signals' p99 is at most ${calmMs} ms before any attack`,
    async () => {
      const calm = await stage.undisturbed(2_000);
      if (calm.all.p99Ms > calmMs) throw new Error(explain(calm));
      return true;
    },
    { withinMs: 30_000 },
  );
  begun = stage.sizes();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.mend();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** `ONLY=connects,heads` runs these kinds. */
const only = process.env["ONLY"]?.split(",");
const getStack = () => stage.stack;
const all = [...attacks, ...addressAttacks(getStack), ...adminAttacks(getStack), ...backplaneAttacks(getStack)];
const chosen = all
  .map((attack) => [`${attack.guard}: ${attack.name}`, attack] as const)
  .filter(([, { guard }]) => only?.includes(guard) ?? true);

test.for(chosen)("%s", async ([, attack]) => {
  const begunAt = performance.now();
  const rounds: Outcome[] = [];
  do {
    const roundAt = performance.now();
    const outcome = await stage.run(attack);
    appendFileSync(table, `${lineOf(outcome)}\n`);
    if (rounds.length > 0) spareMs -= performance.now() - roundAt;
    rounds.push(outcome);
  } while (needsAnotherRound(rounds) && spareMs > 0 && performance.now() - begunAt < roundsMs);
  expectUnhurt(rounds);
});

test("after all attacks the number of descriptors is as before", async () => {
  await until(
    "descriptors are back",
    () =>
      [...stage.sizes()].every(([name, { descriptors }]) => descriptors <= (begun.get(name)?.descriptors ?? 0) + 10),
    // A client that went without a word is noticed after 45 s (Engine.IO's pings).
    { withinMs: 50_000 },
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify([...begun])} ${JSON.stringify([...stage.sizes()])}`);
  });
});
