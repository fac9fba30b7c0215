import { expect, test } from "vitest";
import { until } from "../../test/support/poll.ts";
import { createMediaLeg, type MediaLeg } from "./media.ts";

test("two legs connect over loopback, media flows, and one that goes away is an interruption of the other", async () => {
  let interruptions = 0;
  let open = 0;
  const legs: MediaLeg[] = [];
  const events = (other: () => MediaLeg) => ({
    onDescription: (description: { type: string; sdp: string }) => other().describe(description),
    onCandidate: (candidate: { candidate: string; mid: string }) => other().addCandidate(candidate),
    onOpen: () => {
      open += 1;
    },
    onInterruption: () => {
      interruptions += 1;
    },
    onGap: () => undefined,
  });
  const leg = (index: number) => legs[index] as MediaLeg;
  legs.push(
    createMediaLeg(
      { name: "b", offering: false },
      events(() => leg(1)),
    ),
  );
  // Its description comes from another thread, after this tick: the other leg is there by then.
  legs.push(
    createMediaLeg(
      { name: "a", offering: true },
      events(() => leg(0)),
    ),
  );
  await until("both legs are connected and open", () => legs.every((each) => each.connected()) && open === 2);
  expect(interruptions).toBe(0);
  leg(0).close();
  await until("the other end notices", () => interruptions > 0);
  leg(1).close();
});
