import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { Drill } from "../../ops/drills/define-drill.ts";
import { drills } from "../../ops/drills/drills.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { exitCodes } from "../../ops/runner/verdict.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { useDrillStack } from "./drill-stack.ts";

const drillStack = useDrillStack();

/** Each drill with settings that switch off the mechanism that it proves. */
const deliverAfterRedis = pathToFileURL(join(import.meta.dirname, "deliver-after-redis.ts")).href;
const controlled: Drill[] = drills
  .filter(({ engines }) => engines.includes("process"))
  .map((drill) =>
    drill.name === "redis-slow"
      ? {
          ...drill,
          control: {
            off: "local delivery that does not wait for Redis",
            settings: { replicas: { NODE_OPTIONS: `--import=${deliverAfterRedis}` } },
          },
        }
      : drill,
  );

/** `THIRD=1`, `2` or `3` runs every third of them; unset, all run. */
const { THIRD: third } = process.env;
const chosen = third === undefined ? controlled : controlled.filter((_, place) => place % 3 === Number(third) % 3);

test.for(chosen.map((drill) => [drill.name, drill] as const))(
  "negative control: %s deviates when what it proves is off",
  async ([, drill]) => {
    const result = await runDrill(drillStack(), drill, {
      seed: 1,
      control: true,
      signal: new AbortController().signal,
      tell: () => undefined,
    });
    const off = result.expectations.filter(({ ok }) => !ok).map(({ name, measured }) => `${name}: ${measured}`);
    expect(
      { verdict: result.verdict, exit: exitCodes[result.verdict] },
      [...off, ...result.reasons].join("; "),
    ).toEqual({ verdict: "deviated", exit: 1 });
    expect(await unsteady(drillStack())).toEqual([]);
  },
);
