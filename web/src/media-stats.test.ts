import { expect, test } from "vitest";
import { createFlow } from "./media-stats.ts";

test("media flows while frames or bytes arrive, and has stopped a second after the last", () => {
  const flow = createFlow();
  expect(flow.update({ framesDecoded: 0, bytesReceived: 0 }, 1_000).flowing).toBe(false);
  expect(flow.update({ framesDecoded: 10, bytesReceived: 5_000 }, 2_000)).toEqual({
    flowing: true,
    bytesPerSecond: 5_000,
  });
  expect(flow.update({ framesDecoded: 10, bytesReceived: 5_000 }, 3_000).flowing).toBe(true);
  expect(flow.update({ framesDecoded: 10, bytesReceived: 5_000 }, 3_200).flowing).toBe(false);
});
