import { randomBytes } from "node:crypto";
import type { BalancerPulse, CallerPulse, ProxyPulse, ReplicaPulse } from "../../../common/pulse.ts";
import type { Config } from "../config.ts";
import type { Alert } from "../snapshot.ts";
import { getJson } from "./get-json.ts";
import { type Watch, watch } from "./watch.ts";

/** Interval of the poll of alerts at Prometheus, ms. */
const alertsEveryMs = 1_000;
/** Interval of the check that Alertmanager answers, ms. */
const observersEveryMs = 2_000;
/** Time-out of an admin endpoint, ms. */
const silentMs = 1_000;

interface PrometheusAlerts {
  data: {
    alerts: { state: string; activeAt: string; labels: Record<string, string>; annotations: Record<string, string> }[];
  };
}

/** The board's polls: one set for all viewers. */
export interface Polls {
  /** Undefined with one proxy. */
  balancer: Watch<BalancerPulse> | undefined;
  proxies: ReadonlyMap<string, Watch<ProxyPulse>>;
  replicas: ReadonlyMap<string, Watch<ReplicaPulse>>;
  caller: Watch<CallerPulse> | undefined;
  alerts: Watch<Alert[]> | undefined;
  alertmanager: Watch<unknown> | undefined;
  close(): void;
}

/** Starts the polls of all of `BOARD_TARGETS`; `changed` is called after each poll. */
export function startPolls(config: Config, changed: () => void): Polls {
  // A salt for this run of the board, so that names of peers mean nothing elsewhere.
  const salt = randomBytes(12).toString("base64url");
  const targets = config.BOARD_TARGETS;
  const started: Watch<unknown>[] = [];
  const poll = <T>(url: string, everyMs: number, read: (answer: never) => T = (answer) => answer as T): Watch<T> => {
    const watching = watch(async () => read(await getJson<never>(url, silentMs)), everyMs, changed);
    started.push(watching as Watch<unknown>);
    return watching;
  };
  const pulses = <T>(matches: RegExp, query = "") =>
    new Map(
      targets
        .filter(({ id }) => matches.test(id))
        .map(({ id, url }) => [id, poll<T>(`${url}/pulse${query}`, config.BOARD_POLL_MS)] as const),
    );
  const target = (id: string) => targets.find((one) => one.id === id)?.url;
  const balancer = target("balancer");
  const [caller, prometheus, alertmanager] = [target("caller"), target("prometheus"), target("alertmanager")];
  return {
    balancer: balancer === undefined ? undefined : poll<BalancerPulse>(`${balancer}/pulse`, config.BOARD_POLL_MS),
    proxies: pulses<ProxyPulse>(/^proxy(-\d+)?$/),
    replicas: pulses<ReplicaPulse>(/^signaling-\d+$/, `?salt=${salt}`),
    caller: caller === undefined ? undefined : poll<CallerPulse>(`${caller}/pulse`, config.BOARD_POLL_MS),
    alerts:
      prometheus === undefined ? undefined : poll<Alert[]>(`${prometheus}/api/v1/alerts`, alertsEveryMs, alertsOf),
    alertmanager: alertmanager === undefined ? undefined : poll(`${alertmanager}/api/v2/status`, observersEveryMs),
    close(): void {
      for (const watching of started) watching.close();
    },
  };
}

/** One alert for each name, with the worst state and the earliest start of its series. */
function alertsOf({ data }: PrometheusAlerts): Alert[] {
  const byName = Map.groupBy(data.alerts, ({ labels }) => labels["alertname"] ?? "");
  return [...byName].map(([name, series]) => {
    const firing = series.filter(({ state }) => state === "firing");
    const shown = firing.length > 0 ? firing : series;
    const first = shown.toSorted((a, b) => a.activeAt.localeCompare(b.activeAt))[0];
    return {
      name,
      severity: first?.labels["severity"] ?? "",
      state: firing.length > 0 ? ("firing" as const) : ("pending" as const),
      summary: first?.annotations["summary"] ?? "",
      since: Date.parse(first?.activeAt ?? "") || 0,
    };
  });
}
