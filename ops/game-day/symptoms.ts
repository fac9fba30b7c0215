import { firingAlerts } from "../runner/alert-watch.ts";
import { HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { createPrometheus } from "../stack/prometheus.ts";
import { replicaTable } from "../stack/replica-table.ts";

/** A symptom that the trainee could see, and when it first appeared, ms since the fault. */
export interface Symptom {
  at: number;
  text: string;
}

/** Watches the proxy's table and the alerts, which the trainee can see too. Notes each symptom once. */
export function createSymptoms(stack: Stack, begunAt: number) {
  const { endpoints } = stack.engine;
  const { prometheus } = endpoints;
  const metrics = createPrometheus(prometheus);
  const seen: Symptom[] = [];
  const note = (text: string) => {
    if (!seen.some((symptom) => symptom.text === text)) seen.push({ at: Date.now() - begunAt, text });
  };
  return {
    seen,
    async look(): Promise<void> {
      for (const name of await firingAlerts(metrics)) note(`alert ${name} fires`);
      try {
        for (const { id, state } of await replicaTable(endpoints))
          if (state !== "ready") note(`${id} is ${state} (board, make status)`);
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        note("the proxy does not answer (board)");
      }
    },
  };
}
