import { connect } from "echarts/core";
import { colourOf } from "../../../../../common/charts/palette.ts";
import type { DashboardData, Panel, PanelSeries } from "../../../dashboards/model.ts";
import { inks, openChart } from "../chart.ts";
import { h, openDialog } from "../dom.ts";
import { bandsOption, type Drawn, heatOption, lineOption, look, namesOf } from "./options.ts";
import { toneOf } from "./thresholds.ts";
import { formatValue } from "./units.ts";

/** Charts of one dashboard share the pointer's time. */
const group = "dashboard";

export interface PanelView {
  element: HTMLElement;
  show(data: DashboardData): void;
  close(): void;
}

/** Draws one panel of a dashboard as Grafana does. `data-series` is the number of drawn series. */
export function createPanel(panel: Panel): PanelView {
  const about = h("button", { type: "button", class: "about", "aria-label": `About ${panel.title}` }, "i");
  about.addEventListener("click", () =>
    openDialog(panel.title, h("p", {}, panel.description ?? ""), ...queries(panel)),
  );
  const body = h("div", { class: "body" });
  const legend = h("div", { class: "legend" });
  const element = h(
    "section",
    {
      class: "chart-panel",
      "data-panel": panel.title,
      "data-kind": panel.type,
      "data-series": "0",
      "aria-label": panel.title,
    },
    h("header", {}, h("h3", { title: panel.description ?? "" }, panel.title), about),
    body,
    legend,
  );
  element.style.gridColumn = `${panel.gridPos.x + 1} / span ${panel.gridPos.w}`;
  element.style.gridRow = `span ${panel.gridPos.h}`;
  let chart: ReturnType<typeof openChart> | undefined;
  const draw = (drawn: Drawn) => {
    if (chart === undefined) {
      body.replaceChildren();
      chart = openChart(body);
      chart.chart.group = group;
      connect(group);
    }
    const size = { width: body.clientWidth, height: body.clientHeight };
    const { type } = panel;
    const option =
      type === "timeseries" ? lineOption(drawn) : type === "heatmap" ? heatOption(drawn) : bandsOption(drawn, size);
    chart.draw(option);
  };
  if (panel.type === "text") {
    body.classList.add("prose", "scroll");
    body.tabIndex = 0;
    body.innerHTML = panel.options?.html ?? "";
  }

  return {
    element,
    show(data: DashboardData): void {
      if (panel.type === "text") return;
      const { series: all = [], error } = data.panels[panel.id] ?? {};
      // A series without any number cannot be drawn.
      const series = all.filter(({ samples }) => samples.some(([, value]) => Number.isFinite(value)));
      element.dataset["series"] = String(series.length);
      if (series.length === 0) {
        chart?.close();
        chart = undefined;
        legend.replaceChildren();
        body.replaceChildren(
          h("div", { class: "figure" }, h("small", {}, error ?? panel.fieldConfig?.defaults?.noValue ?? "no data")),
        );
        return;
      }
      if (panel.type === "stat" || panel.type === "table") {
        body.replaceChildren(
          ...(panel.type === "stat" ? series.map((one) => figure(panel, one)) : [table(panel, series)]),
        );
        return;
      }
      const drawn: Drawn = {
        panel,
        series,
        data,
        inks: inks(),
        colourOf: (name, index) => fixedColour(panel, name) ?? colourOf(index),
      };
      draw(drawn);
      if (panel.type === "timeseries")
        legend.replaceChildren(...series.map((one, index) => entry(one, panel, drawn.colourOf(one.name, index))));
    },
    close: () => chart?.close(),
  };
}

const lastOf = ({ samples }: PanelSeries) => samples.findLast(([, value]) => Number.isFinite(value))?.[1] ?? Number.NaN;

function figure(panel: Panel, series: PanelSeries): HTMLElement {
  const { text, colour } = look(panel, namesOf(panel), lastOf(series));
  return h("div", { class: "figure", "data-tone": toneOf(colour) }, text);
}

function table(panel: Panel, series: readonly PanelSeries[]): HTMLElement {
  const { unit, decimals } = panel.fieldConfig?.defaults ?? {};
  return h(
    "table",
    {},
    h(
      "tbody",
      {},
      ...series.map((one) => h("tr", {}, h("td", {}, one.name), h("td", {}, formatValue(lastOf(one), unit, decimals)))),
    ),
  );
}

function entry(series: PanelSeries, panel: Panel, colour: string): HTMLElement {
  const { unit, decimals } = panel.fieldConfig?.defaults ?? {};
  const swatch = h("span", { class: "swatch" });
  swatch.style.backgroundColor = colour;
  return h("span", {}, swatch, `${series.name} `, h("b", {}, formatValue(lastOf(series), unit, decimals)));
}

/** The dashboard's fixed colour for a series name. */
function fixedColour(panel: Panel, name: string): string | undefined {
  const own = panel.fieldConfig?.overrides?.find(({ matcher }) => matcher?.options === name);
  return own?.properties?.find(({ id }) => id === "color")?.value?.fixedColor;
}

function queries(panel: Panel): HTMLElement[] {
  return (panel.targets ?? []).flatMap(({ expr }) => (expr === undefined ? [] : [h("p", {}, h("code", {}, expr))]));
}
