import { callAdmin } from "../http.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, noMediaInterruption, noneLostAfterRejoin } from "./measures.ts";

/** docs/drills.md, storm. */
export const storm = defineDrill({
  name: "storm",
  claim: "Every tunnel is dropped at once: jitter and admission spread the reconnects, and everyone is back in 10 s.",
  engines: ["process", "compose"],
  calls: { calls: 60, rate: 30 },
  undo: [{ do: "heal" }],
  async inject({ stack, typed }) {
    const url = `${stack.engine.endpoints.proxyAdmin}/tunnels/drop`;
    typed(`curl -X POST -H content-type:application/json ${url}`);
    await callAdmin("POST", url, {});
  },
  injected: async ({ calls }) => (await calls()).peers.some(({ socketsLost }) => socketsLost > 0),
  recovered: (context) => allJoined(context),
  deadlineMs: 30_000,
  expect: [everyoneBack(10_000), noMediaInterruption, noneLostAfterRejoin],
  runbook: "SignalingReconnectStorm",
  dashboard: "Replicas",
  teaches: "Full jitter turns a wall of reconnects into a slope.",
});
