import type { ChartOption } from "echarts/core";
import type { Inks } from "./palette.ts";

export type Sample = readonly [at: number, value: number | null];

export interface LaneSeries {
  name: string;
  colour: string;
  samples: readonly Sample[];
}

export interface Span {
  row: string;
  from: number;
  to: number;
  colour: string;
  text: string;
}

/** One lane: figures over time, or bands. */
export type Lane =
  | { kind: "lines" | "stack" | "bars"; title: string; unit: string; series: readonly LaneSeries[] }
  | { kind: "bands"; title: string; rows: readonly string[]; spans: readonly Span[] };

export interface Mark {
  at: number;
  name: string;
  colour: string;
}

export interface LanesSpec {
  from: number;
  to: number;
  lanes: readonly Lane[];
  marks?: readonly Mark[];
  inks: Inks;
  width: number;
  height: number;
  /** Labels of the time axis, under the last lane; default: clock time. */
  timeText?: (at: number) => string;
}

/** Space beside the lanes, px. The axis labels are on the left. */
export const laneMargins = { left: 58, right: 16, top: 6, bottom: 26 } as const;
const titleHeight = 20;

const clock = (at: number) => new Date(at).toLocaleTimeString("en-GB");

/** Lanes on one time axis, one below the other. Events of one moment are in one column. */
export function lanesOption(spec: LanesSpec): ChartOption {
  const { lanes, inks, from, to, height } = spec;
  const weights = lanes.map((lane) => (lane.kind === "bands" ? Math.max(1.4, lane.rows.length) * 0.3 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const room = height - laneMargins.top - laneMargins.bottom - lanes.length * titleHeight;
  let top = laneMargins.top;
  const places = weights.map((weight) => {
    const place = { top: top + titleHeight, height: Math.max(12, (room * weight) / total) };
    top = place.top + place.height;
    return place;
  });
  const timeText = spec.timeText ?? clock;
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    title: lanes.map((lane, index) => titleOf(lane, places[index]?.top ?? 0, inks)),
    grid: places.map((place) => ({ left: laneMargins.left, right: laneMargins.right, ...place })),
    xAxis: lanes.map((_, index) => ({
      type: "time",
      // Extra space for bars at the ends would shift this lane against the others.
      containShape: false,
      gridIndex: index,
      min: from,
      max: to,
      axisLine: { lineStyle: { color: inks.grid } },
      axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: inks.grid } },
      axisLabel: {
        show: index === lanes.length - 1,
        color: inks.soft,
        hideOverlap: true,
        formatter: timeText,
        showMinLabel: false,
        showMaxLabel: false,
      },
    })),
    yAxis: lanes.map((lane, index) => ({
      gridIndex: index,
      ...(lane.kind === "bands" ? bandAxis(lane.rows) : figureAxis(inks)),
    })),
    series: lanes.flatMap((lane, index) => [
      ...(lane.kind === "bands" ? [bandSeries(lane, index, spec)] : figureSeries(lane, index, spec)),
      ...markSeries(spec, index),
    ]),
  };
}

function titleOf(lane: Lane, top: number, inks: Inks): ChartOption {
  const named = lane.kind === "bands" ? [] : lane.series;
  const rich: Record<string, unknown> = { soft: { color: inks.soft, fontSize: 12, fontWeight: "normal" } };
  for (const [index, { colour }] of named.entries()) rich[`c${index}`] = { color: colour, fontSize: 15 };
  const names = named.length < 2 ? "" : named.map(({ name }, index) => `  {c${index}|■}{soft| ${name}}`).join("");
  const unit = lane.kind === "bands" || lane.unit === "" ? "" : `{soft|, ${lane.unit}}`;
  return {
    text: `${lane.title}${unit}${names}`,
    left: laneMargins.left - 6,
    top: top - titleHeight - 1,
    textStyle: { color: inks.text, fontSize: 13, fontWeight: 600, rich },
  };
}

const bandAxis = (rows: readonly string[]) => ({
  type: "category",
  data: rows.length === 0 ? [""] : [...rows].reverse(),
  axisLabel: { show: false },
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { show: false },
});

const figureAxis = (inks: Inks) => ({
  type: "value",
  min: 0,
  splitNumber: 2,
  minInterval: 0.01,
  axisLabel: { color: inks.soft, fontSize: 11 },
  splitLine: { lineStyle: { color: inks.grid } },
});

function figureSeries(lane: Extract<Lane, { unit: string }>, index: number, spec: LanesSpec): ChartOption[] {
  const { left, right } = laneMargins;
  // Each bar covers one second, and bars nearly touch.
  const second = ((spec.width - left - right) * 1_000) / (spec.to - spec.from);
  return lane.series.map(({ name, colour, samples }) => ({
    type: lane.kind === "bars" ? "bar" : "line",
    name,
    xAxisIndex: index,
    yAxisIndex: index,
    data: samples,
    color: colour,
    itemStyle: { color: colour },
    lineStyle: { width: lane.kind === "stack" ? 1 : 2, color: colour },
    showSymbol: false,
    silent: true,
    step: lane.kind === "stack" ? "end" : false,
    barWidth: Math.max(2, Math.min(24, second * 0.8)),
    ...(lane.kind === "stack" ? { stack: `lane ${index}`, areaStyle: { color: colour, opacity: 0.55 } } : {}),
  }));
}

/** The arguments of ECharts' custom series (https://echarts.apache.org/en/option.html#series-custom.renderItem). */
interface RenderApi {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
  size(size: [number, number]): [number, number];
}

function bandSeries(lane: Extract<Lane, { kind: "bands" }>, index: number, spec: LanesSpec): ChartOption {
  const rows = [...lane.rows].reverse();
  return {
    type: "custom",
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    clip: true,
    data: lane.spans.map(({ row, from, to }) => [from, rows.indexOf(row), to]),
    encode: { x: [0, 2], y: 1 },
    renderItem({ dataIndex }: { dataIndex: number }, api: RenderApi) {
      const span = lane.spans[dataIndex];
      const [left, middle] = api.coord([api.value(0), api.value(1)]);
      const [right] = api.coord([api.value(2), api.value(1)]);
      const high = Math.max(6, api.size([0, 1])[1] * 0.8);
      const wide = Math.max(3, right - left);
      return {
        type: "rect",
        shape: { x: left, y: middle - high / 2, width: wide, height: high, r: 2 },
        style: { fill: span?.colour, opacity: 0.85 },
        textContent: {
          type: "text",
          style: { text: span?.text ?? "", fill: spec.inks.text, fontSize: 11, fontWeight: 600 },
        },
        textConfig: { position: wide > 90 ? "insideLeft" : left > spec.width / 2 ? "left" : "right" },
      };
    },
  };
}

/** Marks as lines through every lane, named in the first. */
function markSeries({ marks = [], inks }: LanesSpec, index: number): ChartOption[] {
  if (marks.length === 0) return [];
  return [
    {
      type: "line",
      xAxisIndex: index,
      yAxisIndex: index,
      data: [],
      silent: true,
      markLine: {
        symbol: "none",
        silent: true,
        animation: false,
        data: marks.map(({ at, name, colour }, nth) => ({
          xAxis: at,
          lineStyle: { color: colour, type: "dashed", width: 2 },
          label: {
            show: index === 0,
            formatter: name,
            color: inks.text,
            fontWeight: 600,
            position: "insideEndTop",
            rotate: 0,
            align: "left",
            distance: [4, 2 + (nth % 2) * 14],
          },
        })),
      },
    },
  ];
}
