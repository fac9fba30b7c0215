import { z } from "zod";
import type { ReceivedAlert } from "../../common/calls.ts";

/** How many alerts are kept; older ones are dropped. */
const limit = 1_000;

/**
 * Alertmanager's webhook, version 4: what we use of it
 * (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
 */
const Webhook = z.looseObject({
  alerts: z.array(
    z.looseObject({
      status: z.enum(["firing", "resolved"]),
      labels: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.string()).default({}),
      startsAt: z.string(),
      endsAt: z.string(),
    }),
  ),
});

/** What Alertmanager has sent, oldest first. */
export function createAlertLog(now: () => number = Date.now) {
  const received: ReceivedAlert[] = [];
  return {
    /** @throws ZodError when `body` is not Alertmanager's. */
    receive(body: unknown): void {
      for (const { status, labels, annotations, startsAt, endsAt } of Webhook.parse(body).alerts)
        received.push({ at: now(), status, labels, annotations, startsAt, endsAt });
      received.splice(0, Math.max(0, received.length - limit));
    },
    list: (): readonly ReceivedAlert[] => received,
  };
}
