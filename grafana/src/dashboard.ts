import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  QueryVariableBuilder,
  type RowPanel,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { dataSource } from "./design.ts";

/** Panels under one heading, placed from left to right, wrapped at 24 columns. */
export interface Section {
  title: string;
  panels: readonly Panel[];
}

/** One dashboard as data: sections from symptom to cause, top-down. */
export interface DashboardSpec {
  /** Fixed, so that links and bookmarks stay valid. */
  uid: string;
  title: string;
  description: string;
  sections: readonly Section[];
  /** True for a variable that filters by `{replica=~"$replica"}`. */
  byReplica?: boolean;
  /** The initial window; default `now-15m`. */
  from?: string;
}

/** All dashboards have this tag, so that they link to one another. */
const tag = "hold-the-line";

/** The dashboard's JSON: frame, variables, annotations, links, and the panels placed without overlap. */
export function buildDashboard(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([tag])
    .readonly()
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh("5s")
    .time({ from: spec.from ?? "now-15m", to: "now" })
    .annotations([
      marks("Chaos actions", "chaos_action_active == 1", "#e02f44", "{{action}} {{target}}"),
      marks("Drills", "chaos_drill_active == 1", "#5794f2", "drill {{drill}}"),
    ])
    .links([
      new DashboardLinkBuilder("Dashboards")
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(false)
        .keepTime(true),
      outside("Runbooks", "/d/htl-runbooks", "One runbook an alert: what the user feels, causes, commands"),
      outside("Prometheus", "http://127.0.0.1:9090/alerts", "Alerts and rules, as Prometheus sees them"),
    ]);
  if (spec.byReplica === true)
    builder.withVariable(
      new QueryVariableBuilder("replica")
        .label("Replica")
        .datasource(dataSource)
        .query({ query: 'label_values(up{job="signaling"}, replica)', refId: "replica" })
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue(".+")
        .current({ text: ["All"], value: ["$__all"], selected: true }),
    );
  const built = builder.build();
  return { ...built, panels: place(spec.sections) };
}

/** Numbers the panels and places them: sections one below the other, each with its heading first. */
export function place(sections: readonly Section[]): (Panel | RowPanel)[] {
  const placed: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    placed.push({
      type: "row",
      id: placed.length + 1,
      title,
      collapsed: false,
      datasource: dataSource,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = panel.gridPos ?? { w: 12, h: 8 };
      if (x + w > 24) {
        y += height;
        x = 0;
        height = 0;
      }
      placed.push({ ...panel, id: placed.length + 1, gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}

function marks(name: string, expr: string, color: string, titleFormat: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(dataSource)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .step("5s")
    .titleFormat(titleFormat)
    .textFormat("");
}

function outside(title: string, url: string, tip: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(url)
    .tooltip(tip)
    .targetBlank(url.startsWith("http"));
}
