import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { selectorsOf } from "../../ops/verify-observability/selectors.ts";
import { redisMetricNames } from "../../prometheus/metrics-page.ts";
import { metricsByComponent } from "../../prometheus/registries.ts";
import { dashboards } from "./dashboards.ts";

const folder = new URL("../dashboards/", import.meta.url);

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; datasource?: { uid: string }; legendFormat?: string }[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  annotations: { list: { expr: string; datasource: { uid: string } }[] };
  templating: { list?: { name: string; datasource: { uid: string } }[] };
  links: { url: string; type: string }[];
}

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const all = files.map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Dashboard);
const each = all.map((dashboard) => [dashboard.title, dashboard] as const);
const shown = (dashboard: Dashboard) => dashboard.panels.filter((panel) => panel.type !== "row");
const queriesOf = (dashboard: Dashboard) => [
  ...shown(dashboard)
    .flatMap((panel) => panel.targets ?? [])
    .map((target) => target.expr),
  ...dashboard.annotations.list.map((annotation) => annotation.expr),
];

test("grafana/dashboards equals the output of grafana/src to the byte", () => {
  const made = dashboards();
  expect(files.sort()).toEqual([...made.keys()].sort());
  for (const [name, json] of made) expect(readFileSync(new URL(name, folder), "utf8"), name).toBe(json);
});

test("uids and titles are unique", () => {
  expect(new Set(all.map((dashboard) => dashboard.uid)).size).toBe(all.length);
  expect(new Set(all.map((dashboard) => dashboard.title)).size).toBe(all.length);
});

test.each(each)("%s: panels do not overlap and stay within the grid", (_, dashboard) => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x},${y}`), `${title} at ${x},${y}`).toBeUndefined();
        taken.set(`${x},${y}`, title);
      }
  }
  expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
});

test.each(each)("%s: every panel has a title, a description and the one data source", (_, dashboard) => {
  for (const panel of shown(dashboard)) {
    expect(panel.title).not.toBe("");
    expect(panel.description?.length ?? 0, panel.title).toBeGreaterThan(15);
    expect(panel.datasource?.uid, panel.title).toBe("prometheus");
    for (const target of panel.targets ?? []) expect(target.datasource?.uid, panel.title).toBe("prometheus");
  }
  for (const { datasource } of [...dashboard.annotations.list, ...(dashboard.templating.list ?? [])])
    expect(datasource.uid).toBe("prometheus");
});

test.each(each)(
  "%s: marks chaos actions and drills, links to the others, to runbooks and to Prometheus",
  (_, dashboard) => {
    const marked = dashboard.annotations.list.map((annotation) => annotation.expr).join();
    expect(marked).toContain("chaos_action_active");
    expect(marked).toContain("chaos_drill_active");
    expect(dashboard.links.map((link) => link.type)).toContain("dashboards");
    expect(dashboard.links.map((link) => link.url)).toEqual(
      expect.arrayContaining(["/d/htl-runbooks", "http://127.0.0.1:9090/alerts"]),
    );
  },
);

test.each(each)("%s: rates take their window from Grafana, or say one on purpose", (_, dashboard) => {
  for (const expr of queriesOf(dashboard))
    for (const [, window] of expr.matchAll(/(?:rate|increase)\([^[]*\[([^\]]+)\]/g))
      expect(["$__rate_interval", "1m", "3m", "5m"], expr).toContain(window);
});

test("every metric that a query names is in docs/metrics.md, a recording rule, or Prometheus' own", async () => {
  const components = await metricsByComponent();
  const documented = Object.values(components).flatMap((metrics) =>
    metrics.flatMap(({ name, type }) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const rules = ["rules/recording.yml", "slo/drill.yml"].flatMap((file) => {
    const text = readFileSync(new URL(`../../prometheus/${file}`, import.meta.url), "utf8");
    return [...text.matchAll(/record: (\S+)/g)].map(([, name]) => name);
  });
  const known = new Set([...documented, ...redisMetricNames, ...rules, "up", "ALERTS"]);
  for (const dashboard of all)
    for (const expr of queriesOf(dashboard))
      for (const { metric } of selectorsOf(expr)) expect(known, `${dashboard.title}: ${expr}`).toContain(metric);
});
