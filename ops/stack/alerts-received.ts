import type { ReceivedAlert } from "../../common/calls.ts";
import { until } from "../wait/until.ts";
import { askAdmin } from "./http.ts";

/** Alerts that Alertmanager has sent to the caller's webhook since `since` (epoch ms), oldest first. */
export async function alertsReceived(callerAdmin: string, since: number): Promise<ReceivedAlert[]> {
  const all = await askAdmin<ReceivedAlert[]>(`${callerAdmin}/alerts`);
  return all.filter(({ at }) => at >= since);
}

/** The alert to wait for. */
export interface AwaitedAlert {
  name: string;
  status: "firing" | "resolved";
  /** Required labels. */
  labels?: Readonly<Record<string, string>>;
  /** Received at or after this moment, epoch ms. */
  since: number;
  withinMs: number;
}

/** Waits until the alert reaches the webhook; undefined if it does not arrive in time, or `signal` is aborted. */
export async function awaitAlert(
  callerAdmin: string,
  { name, status, labels = {}, since, withinMs }: AwaitedAlert,
  signal?: AbortSignal,
): Promise<ReceivedAlert | undefined> {
  const wanted = (alert: ReceivedAlert) =>
    alert.status === status &&
    alert.labels["alertname"] === name &&
    Object.entries(labels).every(([label, value]) => alert.labels[label] === value);
  return until(async () => (await alertsReceived(callerAdmin, since)).find(wanted), { withinMs, signal });
}
