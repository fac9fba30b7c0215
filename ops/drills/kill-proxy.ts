import { pause } from "../wait/pause.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, sameReplica } from "./measures.ts";

/** docs/drills.md, kill-proxy. */
export const killProxy = defineDrill({
  name: "kill-proxy",
  claim: "The proxy is killed and back after 5 s: media never stops, and each cookie finds its replica again.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject({ act, signal, figure }) {
    await act("kill", "proxy");
    await pause(5_000, signal);
    await act("start", "proxy");
    figure("started at", Date.now());
  },
  injected: async ({ calls }) => (await calls()).peers.every(({ socketsLost }) => socketsLost > 0),
  recovered: (context) => allJoined(context),
  deadlineMs: 30_000,
  expect: [
    noMediaInterruption,
    { name: "cookies that found their replica", unit: "%", bound: { min: 100 }, measure: sameReplica },
    {
      name: "everyone back after the start",
      unit: "ms",
      bound: { max: 5_000 },
      measure: ({ injectedAt, recoveredMs, figures }) =>
        injectedAt + recoveredMs - (figures["started at"] ?? Number.NaN),
    },
  ],
  control: {
    off: "one hash before and after: another secret until the proxy is killed",
    settings: { proxy: { STICKY_SECRET: "not the one that it has when it is started again" } },
  },
  runbook: "ProxyDown",
  dashboard: "Proxy",
  teaches: "The proxy is the one part that signaling cannot do without; media does without all of it.",
});
