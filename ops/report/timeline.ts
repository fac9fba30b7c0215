import { type Lane, lanesOption, type Mark, type Sample, type Span } from "../../common/charts/lanes.ts";
import { colourOf, lightInks, replicaColour } from "../../common/charts/palette.ts";
import { drawSvg } from "../../common/charts/svg.ts";
import type { DrillResult } from "../runner/result.ts";

const width = 960;
/** Position of the injection on the axis. It is a whole second, so that ticks are whole seconds from it. */
const epoch = Date.UTC(2026, 5, 15, 12, 30, 10);
/** Possible widths of the bars of reconnect times, ms. The finest that needs at most `mostBars` bars is used. */
const binWidths = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];
const mostBars = 24;

/** The timeline of a drill as SVG text: lanes over one time axis, injection and recovery marked, alerts as bands. */
export function drawTimeline({ calls, injectedAt, recoveredAt, alerts }: DrillResult): string {
  const seconds = calls?.timeline ?? [];
  const [first] = seconds;
  const last = seconds.at(-1);
  if (first === undefined || last === undefined) return "<p>Nothing was measured.</p>";
  const origin = (injectedAt ?? first.at) - epoch;
  const [from, to] = [first.at - origin, last.at + 1_000 - origin];
  // The count of a second is drawn in its middle. At its start it would appear before its cause.
  const values = (read: (second: (typeof seconds)[number]) => number): Sample[] =>
    seconds.map((second) => [second.at + 500 - origin, read(second)]);
  const nodes = [...new Set(seconds.flatMap((second) => Object.keys(second.peersByNode)))].sort();
  const spans: Span[] = alerts.map((band) => ({
    row: band.name,
    from: band.from - origin,
    to: Math.min(band.to - origin, to),
    colour: colourOf(5),
    text: band.name,
  }));
  const lanes: Lane[] = [
    {
      kind: "stack",
      title: "Peers per replica",
      unit: "",
      series: nodes.map((name) => ({
        name,
        colour: replicaColour(name),
        // The state at the start of the second.
        samples: seconds.map(({ at, peersByNode }) => [at - origin, peersByNode[name] ?? 0] as const),
      })),
    },
    {
      kind: "bars",
      title: "Peers reconnecting",
      unit: "",
      series: [{ name: "peers", colour: colourOf(1), samples: values(({ reconnecting }) => reconnecting) }],
    },
    {
      kind: "bars",
      title: "Signals lost, by the second in which they were sent",
      unit: "per second",
      series: [{ name: "lost", colour: colourOf(5), samples: values(({ lost }) => lost) }],
    },
    {
      kind: "lines",
      title: "One-way latency p95",
      unit: "ms",
      series: [
        { name: "local", colour: colourOf(3), samples: values(({ localMs }) => localMs.p95) },
        { name: "remote", colour: colourOf(0), samples: values(({ remoteMs }) => remoteMs.p95) },
      ],
    },
    { kind: "bands", title: "Alerts firing", rows: [...new Set(spans.map(({ row }) => row))], spans },
  ];
  const marks: Mark[] = [
    { at: injectedAt, name: "injected", colour: colourOf(5) },
    { at: recoveredAt, name: "recovered", colour: colourOf(3) },
  ].flatMap(({ at, ...mark }) => (at === null ? [] : [{ at: at - origin, ...mark }]));
  const size = { width, height: 560 + 18 * Math.max(1, spans.length) };
  const timeText = (at: number) => `${Math.round((at - epoch) / 1_000)} s`;
  return drawSvg(
    lanesOption({ from, to, lanes, marks, inks: lightInks, ...size, timeText }),
    size,
    "Timeline of the drill",
  );
}

/** The reconnect times as a histogram. */
export function drawReconnects({ calls }: DrillResult): string {
  const all = (calls?.timeline ?? []).flatMap((second) => second.reconnectsMs);
  if (all.length === 0) return "<p>No peer had to reconnect.</p>";
  const { widthMs, bins } = binned(all);
  const size = { width, height: 190 };
  const option = {
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: 58, right: 16, top: 22, bottom: 40 },
    xAxis: {
      type: "category",
      name: `ms, ${widthMs} a bar`,
      nameLocation: "middle",
      nameGap: 26,
      data: bins.map(({ from }) => String(from)),
      axisLabel: { color: lightInks.soft },
    },
    yAxis: { type: "value", minInterval: 1, splitNumber: 3, splitLine: { lineStyle: { color: lightInks.grid } } },
    series: [
      {
        type: "bar",
        color: colourOf(0),
        barCategoryGap: "8%",
        data: bins.map(({ count }) => count),
        label: {
          show: true,
          position: "top",
          formatter: ({ value }: { value: number }) => (value > 0 ? String(value) : ""),
        },
      },
    ],
  };
  return drawSvg(option, size, "Distribution of reconnect times");
}

/** Counts in bins of equal width, from the smallest to the largest of `all`, with the finest readable width. */
export function binned(all: readonly number[]): { widthMs: number; bins: { from: number; count: number }[] } {
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const fits = (each: number) => Math.floor(most / each) - Math.floor(least / each) < mostBars;
  const widthMs = binWidths.find(fits) ?? Math.ceil((most - least) / mostBars);
  const start = Math.floor(least / widthMs);
  const bins = Array.from({ length: Math.floor(most / widthMs) - start + 1 }, (_, index) => ({
    from: (start + index) * widthMs,
    count: all.filter((ms) => Math.floor(ms / widthMs) === start + index).length,
  }));
  return { widthMs, bins };
}
