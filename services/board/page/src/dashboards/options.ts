import type { ChartOption } from "echarts/core";
import { lanesOption, type Span } from "../../../../../common/charts/lanes.ts";
import type { Inks } from "../../../../../common/charts/palette.ts";
import type { DashboardData, Names, Panel, PanelSeries } from "../../../dashboards/model.ts";
import { thresholdColour } from "./thresholds.ts";
import { formatValue } from "./units.ts";

/** The input of every chart of a dashboard. */
export interface Drawn {
  panel: Panel;
  series: readonly PanelSeries[];
  data: DashboardData;
  inks: Inks;
  colourOf(name: string, index: number): string;
}

/** Lines or stacked areas over time, with dashed thresholds and with chaos actions and drills as bands behind them. */
export function lineOption({ panel, series, data, inks, colourOf }: Drawn): ChartOption {
  const { unit, decimals, thresholds, min, max, custom } = panel.fieldConfig?.defaults ?? {};
  const stacked = custom?.stacking?.mode === "normal";
  const limits =
    custom?.thresholdsStyle?.mode === "dashed" ? (thresholds?.steps ?? []).filter(({ value }) => value !== null) : [];
  const highest = Math.max(
    0,
    ...series.flatMap(({ samples }) => samples.map(([, value]) => (Number.isFinite(value) ? value : 0))),
  );
  return {
    animation: false,
    grid: { left: 64, right: 12, top: 8, bottom: 22 },
    xAxis: {
      type: "time",
      min: data.from,
      max: data.to,
      axisLabel: { color: inks.soft, hideOverlap: true, formatter: "{HH}:{mm}" },
      axisLine: { lineStyle: { color: inks.grid } },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      min: min ?? null,
      max: max ?? null,
      splitNumber: 3,
      axisLabel: { color: inks.soft, formatter: (value: number) => formatValue(value, unit, undefined) },
      splitLine: { lineStyle: { color: inks.grid } },
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      order: "valueDesc",
      valueFormatter: (value: unknown) => (typeof value === "number" ? formatValue(value, unit, decimals) : "–"),
    },
    axisPointer: { snap: false },
    series: [
      ...series.map(({ name, samples }, index) => ({
        type: "line",
        name,
        data: gapped(samples, data.stepMs),
        showSymbol: samples.length === 1,
        color: colourOf(name, index),
        lineStyle: { width: stacked ? 1 : 2 },
        connectNulls: false,
        ...(stacked ? { stack: "all", areaStyle: { opacity: 0.45 } } : {}),
        ...(index === 0 ? annotated(data, inks) : {}),
      })),
      {
        type: "line",
        name: "",
        data: [],
        markLine: {
          silent: true,
          symbol: "none",
          label: { show: false },
          // A threshold far above the data would flatten the lines.
          data: limits
            .filter(({ value }) => (value ?? 0) <= highest * 1.5)
            .map(({ value, color }) => ({ yAxis: value, lineStyle: { color, type: "dashed", width: 1.5 } })),
        },
      },
    ],
  };
}

/** A missing sample is a gap, not a line. */
function gapped(samples: PanelSeries["samples"], stepMs: number): (readonly [number, number | null])[] {
  return samples.flatMap(([at, value], index) => {
    const next = samples[index + 1];
    const own = [at, Number.isFinite(value) ? value : null] as const;
    return next !== undefined && next[0] - at > stepMs * 1.5 ? [own, [at + stepMs, null] as const] : [own];
  });
}

function annotated({ annotations }: DashboardData, inks: Inks): ChartOption {
  return {
    markArea: {
      silent: true,
      data: annotations.map(({ from, to, color, title }) => [
        {
          xAxis: from,
          name: title,
          itemStyle: { color, opacity: 0.14 },
          label: { color: inks.soft, fontSize: 10, position: "insideTop", show: false },
        },
        { xAxis: to },
      ]),
    },
  };
}

/** Bands, one row for each series, with the name and colour of the value, or only its presence. */
export function bandsOption(
  { panel, series, data, inks }: Drawn,
  size: { width: number; height: number },
): ChartOption {
  const names = namesOf(panel);
  const spans = series.flatMap(({ name, samples }) => {
    const row: Span[] = [];
    let key = "";
    for (const [at, value] of samples) {
      const { text, colour } = look(panel, names, value);
      const last = row.at(-1);
      if (last !== undefined && key === text && at - last.to <= data.stepMs * 1.5) last.to = at;
      else row.push({ row: name, from: at, to: at + data.stepMs, colour, text: `${name} ${text}` });
      key = text;
    }
    return row;
  });
  const rows = series.map(({ name }) => name);
  return lanesOption({
    from: data.from,
    to: data.to,
    inks,
    ...size,
    lanes: [{ kind: "bands", title: "", rows, spans }],
  });
}

export const namesOf = (panel: Panel): Names =>
  Object.assign({}, ...(panel.fieldConfig?.defaults?.mappings ?? []).map(({ options }) => options));

/** Text and colour of a value: from its mapping if it has one, else from unit and threshold. */
export function look(panel: Panel, names: Names, value: number): { text: string; colour: string } {
  const { unit, decimals, thresholds } = panel.fieldConfig?.defaults ?? {};
  const name = names[String(value)];
  return {
    text: name?.text ?? formatValue(value, unit, decimals),
    colour: name?.color ?? thresholdColour(thresholds?.steps ?? [], value),
  };
}

/** Counts by bucket: cumulative series by `le` as cells, darker for higher counts. */
export function heatOption({ series, data, inks, panel }: Drawn): ChartOption {
  const buckets = series
    .map(({ labels, samples }) => ({
      le: labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]),
      samples,
    }))
    .sort((a, b) => a.le - b.le);
  const cells = buckets.flatMap(({ samples }, index) => {
    const below = new Map(buckets[index - 1]?.samples ?? []);
    return samples.map(([at, value]) => [at, index, Math.max(0, value - (below.get(at) ?? 0))] as const);
  });
  const most = Math.max(1e-9, ...cells.map(([, , count]) => count));
  const { unit = "s" } = panel.fieldConfig?.defaults ?? {};
  return {
    animation: false,
    grid: { left: 64, right: 12, top: 8, bottom: 22 },
    xAxis: {
      type: "time",
      min: data.from,
      max: data.to,
      axisLabel: { color: inks.soft, hideOverlap: true, formatter: "{HH}:{mm}" },
      splitLine: { show: false },
    },
    yAxis: {
      type: "category",
      data: buckets.map(({ le }) => (le === Number.POSITIVE_INFINITY ? "more" : `≤ ${formatValue(le, unit)}`)),
      axisLabel: { color: inks.soft, fontSize: 10 },
      splitLine: { show: true, lineStyle: { color: inks.grid } },
    },
    series: [
      {
        type: "custom",
        data: cells.filter(([, , count]) => count > 0),
        renderItem(
          _: unknown,
          api: { value(n: number): number; coord(p: number[]): [number, number]; size(s: number[]): [number, number] },
        ) {
          const [x, y] = api.coord([api.value(0), api.value(1)]);
          const [wide, high] = api.size([data.stepMs, 1]);
          return {
            type: "rect",
            shape: { x: x - wide, y: y - high / 2, width: Math.max(2, wide), height: high },
            style: { fill: "#d55e00", opacity: 0.2 + 0.8 * (api.value(2) / most) },
          };
        },
      },
    ],
  };
}
