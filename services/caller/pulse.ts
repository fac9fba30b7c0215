import type { AdminRoutes } from "../../common/admin-server.ts";
import { type CallerPulse, readProcessPulse } from "../../common/pulse.ts";
import type { Marks } from "./marks.ts";
import type { Metrics } from "./metrics.ts";

type Values = { values: { value: number; labels: Partial<Record<string, string | number>>; metricName?: string }[] };

const sum = ({ values }: Values) => values.reduce((total, { value }) => total + value, 0);

/** `GET /pulse`: the counters of the calls for a board, and the marks in force. */
export function pulseRoute(metrics: Metrics, marks: Marks): AdminRoutes {
  async function latency(scope: string): Promise<[number, number][]> {
    const { values } = (await metrics.latencySeconds.get()) as Values;
    return values
      .filter(({ metricName, labels }) => metricName?.endsWith("_bucket") === true && labels["scope"] === scope)
      .map(({ labels, value }) => [labels["le"] === "+Inf" ? Number.MAX_VALUE : Number(labels["le"]), value]);
  }
  return {
    "GET /pulse": async () => {
      const reconnects = (await metrics.reconnectSeconds.get()) as Values;
      const calls = (await metrics.calls.get()) as Values;
      const pulse: CallerPulse = {
        ...(await readProcessPulse()),
        calls: Object.fromEntries(calls.values.map(({ labels, value }) => [String(labels["state"]), value])),
        sent: sum(await metrics.sent.get()),
        received: sum(await metrics.received.get()),
        lost: sum(await metrics.lost.get()),
        reconnects: sum({ values: reconnects.values.filter(({ metricName }) => metricName?.endsWith("_count")) }),
        mediaInterruptions: sum(await metrics.mediaInterruptions.get()),
        latency: { local: await latency("local"), remote: await latency("remote") },
        ...marks.list(),
      };
      return { body: pulse };
    },
  };
}
