import { join } from "node:path";
import { provocations } from "../provoke/provocations.ts";
import { CannotError } from "../stack/engine.ts";
import { answersOk } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { createPrometheus } from "../stack/prometheus.ts";
import { isReplica } from "../stack/replica-id.ts";
import type { Checked } from "./finding.ts";
import { killAndRestore } from "./kill-and-restore.ts";
import { checkMetrics, documentedMetrics, seriesNames } from "./metrics.ts";
import { checkPanels, panelQueries } from "./panels.ts";
import { checkExpressions, checkRecordings } from "./rules.ts";
import { checkRunbooks } from "./runbooks.ts";

/** The subjects of the checks. A test damages copies of them and checks that the damage is found. */
export interface Sources {
  /** Path of the repository, for docs/runbooks. */
  root: string;
  dashboards: string;
  metricsPage: string;
}

export function sourcesIn(root: string): Sources {
  return { root, dashboards: join(root, "grafana/dashboards"), metricsPage: join(root, "docs/metrics.md") };
}

/**
 * Checks the observability of a running stack. It runs calls and a kill. Then it runs every query of every dashboard
 * and checks every rule on the real Prometheus, compares docs/metrics.md with the exported metrics, and checks each
 * alert's runbook and provocation.
 */
export async function verifyObservability(
  stack: Stack,
  print: (line: string) => void,
  sources = sourcesIn(stack.root),
): Promise<Checked[]> {
  const { endpoints } = stack.engine;
  for (const [name, url] of Object.entries({ prometheus: endpoints.prometheus, alertmanager: endpoints.alertmanager }))
    if (!(await answersOk(`${url}/-/ready`)))
      throw new CannotError(`${name} does not answer: make up, with prometheus and alertmanager installed`);
  const since = Date.now();
  const delivered = await killAndRestore({ stack, print });
  return [delivered, ...(await checkShown(stack, sources, { since, until: Date.now() }))];
}

/** All checks except the delivery of alerts. They do not change the stack. */
export async function checkShown(
  stack: Stack,
  sources: Sources,
  window: { since: number; until: number },
): Promise<Checked[]> {
  const { endpoints } = stack.engine;
  const prometheus = createPrometheus(endpoints.prometheus);
  const services = (await stack.engine.services()).map(({ id }) => id);
  const absent = [
    ...(services.includes("redis-exporter") ? [] : [String.raw`\bredis_`]),
    ...(services.includes("balancer") ? [] : ['job="balancer"']),
  ];
  const leftOut = absent.length === 0 ? undefined : new RegExp(absent.join("|"));
  const rules = await prometheus.rules();
  const documented = documentedMetrics(sources.metricsPage);
  const recorded = rules.filter((rule) => rule.type === "recording").map((rule) => rule.name);
  const replicas = services.filter(isReplica);
  return [
    await checkPanels(prometheus, panelQueries(sources.dashboards), window, leftOut),
    await checkRecordings(prometheus, rules, window),
    await checkExpressions(prometheus, rules, new Set([...seriesNames(documented), ...recorded]), leftOut),
    await checkMetrics(documented, [
      ...replicas.map((id) => ({ name: id, component: "Replica" as const, adminUrl: endpoints.replica(id).admin })),
      { name: "proxy", component: "Proxy", adminUrl: endpoints.proxyAdmin },
      { name: "caller", component: "Caller", adminUrl: endpoints.callerAdmin },
      { name: "board", component: "Board", adminUrl: endpoints.board },
    ]),
    checkRunbooks(sources.root, rules, new Set(Object.keys(provocations))),
  ];
}
