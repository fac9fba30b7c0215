import { expect, test } from "vitest";
import { until } from "../../test/support/poll.ts";
import { createMediaLeg, type MediaLeg } from "./media.ts";

test("two legs connect over loopback, media flows, and the end of one interrupts the other", async () => {
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

test("a candidate before its description, and signals after the end, are not errors", async () => {
  const candidates: { candidate: string; mid: string }[] = [];
  const descriptions: { type: string; sdp: string }[] = [];
  const events = {
    onDescription: (description: { type: string; sdp: string }) => void descriptions.push(description),
    onCandidate: (candidate: { candidate: string; mid: string }) => void candidates.push(candidate),
    onOpen: () => undefined,
    onInterruption: () => undefined,
    onGap: () => undefined,
  };
  const offering = createMediaLeg({ name: "early-a", offering: true }, events);
  const answering = createMediaLeg(
    { name: "early-b", offering: false },
    { ...events, onDescription: () => undefined, onCandidate: () => undefined },
  );
  const [offer, candidate] = await until("there is an offer and a candidate", () =>
    descriptions[0] !== undefined && candidates[0] !== undefined ? ([descriptions[0], candidates[0]] as const) : null,
  );
  answering.addCandidate(candidate);
  answering.describe(offer);
  answering.close();
  answering.addCandidate(candidate);
  answering.describe(offer);
  offering.close();
});
