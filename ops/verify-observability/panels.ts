import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Prometheus } from "../stack/prometheus.ts";
import type { Checked, Finding } from "./finding.ts";

interface Dashboard {
  title: string;
  panels: { title: string; targets?: { expr: string }[] }[];
  annotations: { list: { name: string; expr?: string }[] };
}

/** One query of a dashboard, with its variables replaced as in Grafana on a window of 15 minutes. */
export interface PanelQuery {
  /** `Calls: Burn rate` */
  where: string;
  expr: string;
}

/** Every query of the dashboards in `folder`: panels and annotations. */
export function panelQueries(folder: string): PanelQuery[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => {
      const { title, panels, annotations } = JSON.parse(readFileSync(join(folder, name), "utf8")) as Dashboard;
      const targets = panels.flatMap((panel) =>
        (panel.targets ?? []).map(({ expr }) => ({ where: `${title}: ${panel.title}`, expr })),
      );
      const marks = annotations.list.flatMap(({ name: mark, expr }) =>
        expr === undefined ? [] : [{ where: `${title}: annotation ${mark}`, expr }],
      );
      return [...targets, ...marks];
    })
    .map(({ where, expr }) => ({
      where,
      // $__rate_interval: four scrapes of 5 s and a step.
      expr: expr.replaceAll("$__rate_interval", "25s").replaceAll("$replica", ".+"),
    }));
}

/**
 * Runs every query over a window. Finds queries that are refused, give no series, or never give a number.
 *
 * @param leftOut series of parts that this stack lacks (redis_exporter, the balancer); queries that read them are skipped
 */
export async function checkPanels(
  prometheus: Prometheus,
  queries: readonly PanelQuery[],
  window: { since: number; until: number },
  leftOut: RegExp | undefined,
): Promise<Checked> {
  const asked = queries.filter(({ expr }) => leftOut === undefined || !leftOut.test(expr));
  const findings: Finding[] = [];
  for (const { where, expr } of asked) {
    try {
      const series = await prometheus.queryRange(expr, window.since, window.until);
      if (series.length === 0) findings.push(`${where}: no series: ${expr}`);
      else if (!series.some(({ samples }) => samples.some(([, value]) => Number.isFinite(value))))
        findings.push(`${where}: never a number: ${expr}`);
    } catch (error) {
      findings.push(`${where}: ${(error as Error).message}: ${expr}`);
    }
  }
  return { what: "dashboard queries have series", count: asked.length, findings };
}
