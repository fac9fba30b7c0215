import { expect, test } from "vitest";
import type { CallsReport } from "../../common/calls.ts";
import type { Expectation, Observation } from "../drills/define-drill.ts";
import { survivorsKeepSockets } from "../drills/measures.ts";
import { explain, judge, shownFigure } from "./verdict.ts";

const seen = (capabilities: CallsReport["capabilities"]) =>
  ({ after: { capabilities }, alertsMs: {} }) as unknown as Observation;
const media: Expectation = { name: "gaps", unit: "ms", needs: "media", bound: { max: 0 }, measure: () => 7 };

test("an expectation that the callers cannot measure is not applicable and not judged", () => {
  const [judged] = judge({ expect: [media], deadlineMs: 1 }, seen({ signals: true, media: false }));
  expect(judged).toMatchObject({ ok: true, measured: null, notApplicable: "no media" });
  expect(judged && shownFigure(judged)).toBe("not applicable: no media");
});

test("expectations on metrics are not judged for an application without metrics", () => {
  const lag: Expectation = { ...media, needs: "replica metrics", measure: () => Number.NaN };
  const judged = (replicaMetrics: boolean) =>
    judge({ expect: [lag], deadlineMs: 1 }, { ...seen({ signals: false, media: false }), replicaMetrics });
  expect(judged(false)).toMatchObject([{ ok: true, notApplicable: "no replica metrics" }]);
  expect(judged(true)).toMatchObject([{ ok: false, notApplicable: null }]);
});

test("a measured value is compared with its bound; a missing value fails", () => {
  const whole = seen({ signals: true, media: true });
  const verdicts = (measured: number) =>
    judge({ expect: [{ ...media, measure: () => measured }], deadlineMs: 1 }, whole);
  expect(verdicts(7)).toMatchObject([{ ok: false, measured: 7, notApplicable: null }]);
  expect(verdicts(0)).toMatchObject([{ ok: true }]);
  expect(verdicts(Number.NaN).map(shownFigure)).toEqual(["not measured"]);
});

test("a drill fails if its alert never fires", () => {
  const drill = { expect: [], alert: { name: "ProxyDown", withinMs: 5_000 }, deadlineMs: 1 };
  expect(judge(drill, seen({ signals: true, media: true }))).toMatchObject([{ name: "ProxyDown fires", ok: false }]);
});

test("a survivor that lost its socket is named with the reason, and nobody when none did", () => {
  const outage = { at: 1_250, backAt: 1_400, from: "signaling-2", to: "signaling-3", reason: "xhr poll error" };
  const peer = (node: string, socketsLost: number) => ({
    call: 3,
    side: "b",
    node,
    transports: "polling",
    socketsLost,
  });
  const drill = { expect: [survivorsKeepSockets], deadlineMs: 1 };
  const explained = (node: string) => {
    const observation = {
      ...seen({ signals: true, media: true }),
      node: "signaling-1",
      injectedAt: 1_000,
      peersBefore: [{ ...peer(node, 0), outages: [] }],
      after: { peers: [{ ...peer("signaling-3", 1), outages: [outage] }] },
    } as unknown as Observation;
    return explain(drill, observation, judge(drill, observation));
  };
  const line = "peer 3b (polling) on signaling-2 lost its socket 250 ms after the injection: xhr poll error";
  expect(explained("signaling-2")).toEqual([line]);
  expect(explained("signaling-1")).toEqual([]);
});
