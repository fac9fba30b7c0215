import { runAction } from "../../chaos/actions.ts";
import type { VerbOptions } from "../../chaos/verbs.ts";
import { type Command, UsageError } from "../../command.ts";
import { heal } from "../../heal/heal.ts";
import { provocations } from "../../provoke/provocations.ts";
import { provoke as raise } from "../../provoke/provoke.ts";
import { awaitAlert } from "../../stack/alerts-received.ts";
import { CannotError } from "../../stack/engine.ts";
import { answersOk } from "../../stack/http.ts";
import { createPrometheus } from "../../stack/prometheus.ts";

/**
 * An alert must resolve within this time after its cause has ended, s. The windows of its expression must pass first.
 */
const resolvedWithinSeconds = 240;

/** `provoke ProxyDown`: raises one alert on purpose. */
export const provoke: Command = {
  usage: "<Alert> [--once]",
  summary: "raise one alert by ordinary means; heal ends it (--once: this command does)",
  needsStack: true,
  async run({ stack, print, waitFor, signal }, args) {
    const [alert, ...rest] = args.filter((arg) => arg !== "--once");
    const provocation = provocations[alert ?? ""];
    if (alert === undefined || provocation === undefined || rest.length > 0)
      throw new UsageError(`say which alert: make provoke ALERT=<one of ${Object.keys(provocations).join(", ")}>`);
    if (!(await answersOk(`${stack.engine.endpoints.alertmanager}/-/ready`)))
      throw new CannotError("Alertmanager does not answer: make up, with prometheus and alertmanager installed");
    const firing = await createPrometheus(stack.engine.endpoints.prometheus).alerts();
    if (firing.some(({ state, labels }) => state === "firing" && labels["alertname"] === alert))
      throw new CannotError(`${alert} fires already: make heal, and wait until it is resolved`);
    print(`${alert}: ${provocation.how}`);
    waitFor(`${alert} to reach the webhook, at most ${provocation.withinSeconds} s`);
    const once = args.includes("--once");
    const enough = new AbortController();
    let reached = false;
    const act = (action: string, target: string, options?: VerbOptions) => runAction(stack, action, target, options);
    await raise(stack, alert, { act, signal: AbortSignal.any([signal, enough.signal]) }, (received, afterMs) => {
      reached = received !== undefined;
      const after = `${(afterMs / 1000).toFixed(1)} s`;
      if (received === undefined && signal.aborted) print("interrupted before it reached the webhook");
      else if (received === undefined) print(`it did not reach the webhook within ${provocation.withinSeconds} s`);
      else print(`it reached the webhook after ${after}: ${received.annotations["summary"]}`);
      if (received !== undefined && !once) print(`read docs/runbooks/${alert}.md; make heal ends it`);
      if (received !== undefined && !once && provocation.goOn !== undefined)
        print("this goes on until make heal, or Ctrl-C here");
      if (once || received === undefined) enough.abort();
    });
    if (!once && !signal.aborted && reached) return 0;
    const healedAt = Date.now();
    waitFor("its end");
    await heal(stack, { tell: print });
    if (!reached) return 1;
    waitFor(`it to be resolved, at most ${resolvedWithinSeconds} s: its windows must pass first`);
    const resolved = await awaitAlert(
      stack.engine.endpoints.callerAdmin,
      { name: alert, status: "resolved", since: healedAt - 1_000, withinMs: resolvedWithinSeconds * 1_000 },
      signal,
    );
    if (signal.aborted) print("interrupted: the cause is healed; the command did not wait for the end of the alert");
    else if (resolved === undefined) print(`it was not resolved within ${resolvedWithinSeconds} s`);
    else print(`resolved after ${((resolved.at - healedAt) / 1000).toFixed(1)} s`);
    return resolved === undefined ? 1 : 0;
  },
};
