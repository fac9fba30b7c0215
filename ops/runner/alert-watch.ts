import { HttpError } from "../stack/http.ts";
import type { Prometheus } from "../stack/prometheus.ts";

/** A firing alert, from the first to the last moment at which it was seen, epoch ms. */
export interface AlertBand {
  name: string;
  from: number;
  to: number;
}

/** Names of the firing alerts; empty if Prometheus does not answer. */
export async function firingAlerts(prometheus: Prometheus): Promise<string[]> {
  try {
    const firing = (await prometheus.alerts()).filter(({ state }) => state === "firing");
    return [...new Set(firing.map(({ labels }) => labels["alertname"] ?? ""))];
  } catch (error) {
    // The callers judge a drill, so it continues. A drill that expects an alert gets no figure and deviates.
    if (error instanceof HttpError) return [];
    throw error;
  }
}

/** Adds the firing alerts to `bands`. */
export function noteAlerts(firing: readonly string[], bands: AlertBand[]): void {
  const now = Date.now();
  for (const name of firing) {
    const band = bands.find((one) => one.name === name);
    if (band === undefined) bands.push({ name, from: now, to: now });
    else band.to = now;
  }
}
