import { afterAll, afterEach, beforeAll, describe } from "vitest";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { createBackplaneStage } from "../support/backplane/backplane-stage.ts";
import { testDelivery } from "./delivery-tests.ts";
import { testFirstSignals } from "./first-signal-tests.ts";
import { testOutages } from "./outage-tests.ts";

/**
 * The promises of every backplane, on real servers and real replicas. At the end all replicas must be alive, so no test
 * may end a process that it does not kill.
 */
export function describeBackplane(variant: Variant): void {
  describe(`backplane ${variant}`, () => {
    const stage = createBackplaneStage(variant);
    beforeAll(stage.start);
    afterEach(stage.clear);
    afterAll(stage.end);
    testDelivery(stage);
    testFirstSignals(stage, 30);
    testOutages(stage);
  });
}
