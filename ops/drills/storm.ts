import { changeAdmin, typedChange } from "../stack/http.ts";
import { createPrometheus } from "../stack/prometheus.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, figureOf, noMediaInterruption, noneLostAfterRejoin } from "./measures.ts";

/** docs/drills.md, storm. */
export const storm = defineDrill({
  name: "storm",
  claim: "Every tunnel is dropped at once: jitter and admission spread the reconnects, and everyone is back in 10 s.",
  engines: ["process", "compose"],
  calls: { calls: 60, rate: 30 },
  undo: [{ do: "heal" }],
  async inject({ stack, typed }) {
    const url = `${stack.engine.endpoints.proxyAdmin}/tunnels/drop`;
    typed(typedChange("POST", url));
    await changeAdmin(stack.engine.endpoints, "POST", url, {});
  },
  injected: async ({ calls }) => (await calls()).peers.some(({ socketsLost }) => socketsLost > 0),
  recovered: (context) => allJoined(context),
  deadlineMs: 30_000,
  async finish({ stack, figure }) {
    // Prometheus scrapes every 5 s, and the drill takes longer.
    const lag = 'max(max_over_time(nodejs_eventloop_lag_p99_seconds{job="signaling"}[20s]))';
    const [series] = await createPrometheus(stack.engine.endpoints.prometheus).query(lag);
    figure("lag ms", (series?.samples.at(-1)?.[1] ?? Number.NaN) * 1_000);
  },
  expect: [
    everyoneBack(10_000),
    {
      name: "event-loop delay p99 of the slowest replica",
      needs: "replica metrics",
      unit: "ms",
      bound: { max: 200 },
      measure: figureOf("lag ms"),
    },
    noMediaInterruption,
    noneLostAfterRejoin,
  ],
  control: {
    off: "an admission that fits the load: 2 sessions a second and replica",
    settings: { proxy: { ADMIT_PER_SECOND: "2" } },
  },
  runbook: "SignalingReconnectStorm",
  dashboard: "Replicas",
  teaches: "Full jitter turns a wall of reconnects into a slope.",
});
