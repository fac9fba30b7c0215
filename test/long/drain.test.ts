import { test } from "vitest";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { drainUnderLoad } from "../support/load/drain-under-load.ts";

const times = Number(process.env["TIMES"] ?? 3);

// On a cluster channels have no common order, so that the barrier before a socket is closed proves less there.
test.each<Variant>(["sharded", "sharded-cluster", "streams", "nats", "nats-recovery"])(
  `${times} drains on %s under load lose nothing that was acknowledged`,
  async (variant) => {
    for (let time = 0; time < times; time += 1) await drainUnderLoad(variant, { calls: 150, perSecond: 100 });
  },
  120_000 * times,
);
