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
    // A drill is judged by its callers; whoever expects an alert gets no figure, and so a deviation.
    if (error instanceof HttpError) return [];
    throw error;
  }
}

/** Notes what fires now in `bands`. */
export async function noteAlerts(prometheus: Prometheus, bands: AlertBand[]): Promise<void> {
  const now = Date.now();
  for (const name of await firingAlerts(prometheus)) {
    const band = bands.find((one) => one.name === name);
    if (band === undefined) bands.push({ name, from: now, to: now });
    else band.to = now;
  }
}
