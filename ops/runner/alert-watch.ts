import { HttpError } from "../stack/http.ts";
import type { Prometheus } from "../stack/prometheus.ts";

/** An alert that fired, from the first to the last moment that it was seen to, epoch ms. */
export interface AlertBand {
  name: string;
  from: number;
  to: number;
}

/** Names of the alerts that fire now; none where Prometheus does not answer. */
export async function firingAlerts(prometheus: Prometheus): Promise<string[]> {
  try {
    const firing = (await prometheus.alerts()).filter(({ state }) => state === "firing");
    return [...new Set(firing.map(({ labels }) => labels["alertname"] ?? ""))];
  } catch (error) {
    // A drill is judged by its callers. One that expects an alert gets no figure, and so deviates.
    if (error instanceof HttpError) return [];
    throw error;
  }
}

/** Notes the alerts that fire now in `bands`. */
export function noteAlerts(firing: readonly string[], bands: AlertBand[]): void {
  const now = Date.now();
  for (const name of firing) {
    const band = bands.find((one) => one.name === name);
    if (band === undefined) bands.push({ name, from: now, to: now });
    else band.to = now;
  }
}
