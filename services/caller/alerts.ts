import { z } from "zod";
import type { ReceivedAlert } from "../../common/calls.ts";

/** Maximum number of kept alerts. Older ones are dropped. */
const limit = 1_000;

/**
 * The used fields of Alertmanager's webhook, version 4
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

/** The alerts that Alertmanager has sent, oldest first. */
export function createAlertLog(now: () => number = Date.now) {
  const received: ReceivedAlert[] = [];
  return {
    /** @throws ZodError if `body` is not Alertmanager's. */
    receive(body: unknown): void {
      for (const { status, labels, annotations, startsAt, endsAt } of Webhook.parse(body).alerts)
        received.push({ at: now(), status, labels, annotations, startsAt, endsAt });
      received.splice(0, Math.max(0, received.length - limit));
    },
    list: (): readonly ReceivedAlert[] => received,
  };
}
