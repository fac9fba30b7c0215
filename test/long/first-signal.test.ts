import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { testFirstSignals } from "../conformance/first-signal-tests.ts";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { createBackplaneStage } from "../support/backplane/backplane-stage.ts";

const tries = Number(process.env["TRIES"] ?? 1_000);

describe.each<Variant>(["pubsub", "sharded", "sharded-cluster", "streams", "nats", "nats-recovery"])(
  "first signals on %s",
  (variant) => {
    // Two peers join and leave thousands of rooms, as fast as they can.
    const stage = createBackplaneStage(variant, {
      JOIN_BURST: "1000000",
      EVENT_BURST: "1000000",
      CLIENT_JOIN_BURST: "1000000",
      CLIENT_EVENT_BURST: "1000000",
    });
    beforeAll(stage.start);
    afterEach(stage.clear);
    afterAll(stage.end);
    testFirstSignals(stage, tries);
  },
);
