import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { figureOf, latencyOverBefore, noMediaInterruption, noneLost } from "./measures.ts";
import { stopReading } from "./stop-reading.ts";

/** docs/drills.md, slow-client. */
export const slowClient = defineDrill({
  name: "slow-client",
  claim: "A peer that stops reading is closed, and no other peer is affected.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject({ stack, figure, typed, signal }) {
    const { proxy } = stack.engine.endpoints;
    typed(`# a peer on ${proxy.replace("http", "ws")}/ws stops reading while another sends it 6 MB a second`);
    const { sentBytes, awayMs } = await stopReading(proxy, signal);
    figure("sent bytes", sentBytes);
    if (awayMs !== undefined) figure("closed ms", awayMs);
  },
  injected: async ({ figures }) => (figures["sent bytes"] ?? 0) > 0,
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [
    {
      name: "its socket is closed after",
      unit: "ms",
      bound: { max: 15_000 },
      measure: figureOf("closed ms"),
    },
    { name: "other sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
    {
      name: "others' latency p99 over before",
      unit: "ms",
      bound: { max: 50 },
      measure: (seen) => Math.max(latencyOverBefore(seen, "local", "p99"), latencyOverBefore(seen, "remote", "p99")),
    },
    noneLost,
    noMediaInterruption,
  ],
  control: {
    off: "the bounds on what waits for a reader, of one connection and of all",
    settings: { replicas: { MAX_BUFFERED_BYTES: "1073741824", MAX_UNREAD_BYTES: "17179869184" } },
  },
  runbook: "SignalingEventLoopLag",
  dashboard: "Replicas",
  teaches:
    "Back-pressure needs an end: unread data is held for a while, within a bound, and then its reader is closed.",
});
