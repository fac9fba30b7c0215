import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { chooseTarget } from "../../ops/chaos/target.ts";
import { natsKill } from "../../ops/drills/nats-kill.ts";
import { heal } from "../../ops/heal/heal.ts";
import { readMessage } from "../../ops/logs/backplane-messages.ts";
import { natsIds } from "../../ops/nats/ids.ts";
import { natsMessages } from "../../ops/nats/messages.ts";
import { backplaneServersOf } from "../../ops/redis/failover.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { replicaTable } from "../../ops/stack/replica-table.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { closePairs, expectNoneDeaf, joinPairs } from "../support/backplane/pairs.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
const startWith = (nats: string) => async () => {
  stack = await startProcessStack({ BACKPLANE: "nats", NATS: nats, CALLS: "0", PROBE_EVERY_MS: "0" });
};
const end = () => stack?.[Symbol.asyncDispose]();
const statesOf = async () => (await replicaTable(stack.engine.endpoints)).map(({ state }) => state);
const all = (state: string) => async () => (await statesOf()).every((one) => one === state);

/** Of three runs with `THIRD=1`, `2` and `3` the last one has the control; unset, each. */
const { THIRD: third = "3" } = process.env;
const runs = [
  [false, "passed"],
  [true, "deviated"],
] as const;

describe("one server", () => {
  beforeAll(startWith("single"));
  afterEach(() => heal(stack));
  afterAll(end);

  test.for(runs.filter(([control]) => !control || third === "3"))(
    "nats-kill, control %s: %s, and the stack is at steady state",
    async ([control, verdict]) => {
      const options = { seed: 1, control, signal: new AbortController().signal, tell: () => undefined };
      const result = await runDrill(stack, natsKill, options);
      const figures = result.expectations.map(({ name, measured, bound }) => `${name}: ${measured} (${bound})`);
      process.stdout.write(`nats-kill${control ? ", control" : ""}: ${figures.join("; ")}\n`);
      expect(result.verdict, [...result.reasons, ...figures].join("; ")).toBe(verdict);
      expect(await unsteady(stack)).toEqual([]);
    },
  );

  test("the stack has NATS and no Redis, and its passwords are in a file of the owner alone", async () => {
    const ids = (await stack.engine.services()).map(({ id }) => id);
    expect(ids).toContain("nats");
    expect(ids.filter((id) => id.startsWith("redis"))).toEqual([]);
    expect(await backplaneServersOf(stack.engine)).toBe("nats");
    expect(statSync(join(stack.state.dir, "nats", "nats.conf")).mode & 0o077).toBe(0);
    await expect(runAction(stack, "kill", "redis")).rejects.toThrow("no such target: redis");
  });

  test("make watch-backplane hears the replicas, by a user that may only look", async () => {
    const access = stack.engine.natsAccess("nats");
    const heard = new Set<string>();
    for await (const message of natsMessages(access, new AbortController().signal)) {
      const event = readMessage(message);
      if (event.kind === "heartbeat") heard.add(event.node);
      if (heard.size === 3) break;
    }
    expect([...heard].sort()).toEqual(["signaling-1", "signaling-2", "signaling-3"]);
  });

  test("NATS that is cut off from all replicas, or frozen, leaves all degraded until it is back", async () => {
    for (const [harm, mend] of [
      ["partition", undefined],
      ["pause", "resume"],
    ] as const) {
      await runAction(stack, harm, "nats");
      await until("all are degraded", all("degraded"));
      if (mend === undefined) await heal(stack);
      else await runAction(stack, mend, "nats");
      await until("all are ready", all("ready"));
    }
    await runAction(stack, "slow", "nats", { latencyMs: 50, jitterMs: 10 });
    expect((await stack.engine.impaired()).map(({ id }) => id)).toEqual(["signaling-1", "signaling-2", "signaling-3"]);
  });
});

describe("a cluster of three", () => {
  beforeAll(startWith("cluster"));
  afterAll(end);

  test("any of the servers may be lost: the replicas go on with another one", async () => {
    expect((await chooseTarget(stack, "kill", "nats-2")).target).toBe("nats-2");
    const ids = ["signaling-1", "signaling-2", "signaling-3"];
    const pairs = await joinPairs(
      ids.map((id) => stack.engine.endpoints.replica(id).public),
      3,
    );
    try {
      for (const id of natsIds(stack.layout.settings)) {
        await runAction(stack, "kill", id);
        // The proxy's table may be from before. Signals between each two replicas cannot be.
        await expectNoneDeaf(pairs);
        await until("all are ready", all("ready"));
        await heal(stack);
      }
    } finally {
      closePairs(pairs);
    }
    expect(await unsteady(stack)).toEqual([]);
  });

  test("without all of them the replicas are degraded; make heal starts them", async () => {
    for (const id of natsIds(stack.layout.settings)) await runAction(stack, "kill", id);
    await until("all are degraded", all("degraded"));
    await heal(stack);
    expect(await statesOf()).toEqual(["ready", "ready", "ready"]);
  });
});
