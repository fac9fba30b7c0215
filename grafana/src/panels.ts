import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  type ThresholdsConfigBuilder,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from "@grafana/grafana-foundation-sdk/heatmap";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TextBuilder, TextMode } from "@grafana/grafana-foundation-sdk/text";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { dataSource, seriesColorOverrides } from "./design.ts";

/** A query and the name of its series: `{{replica}}`. */
export type Query = readonly [expr: string, legend: string];

interface Common {
  title: string;
  /** The panel's tooltip: its meaning, the normal values, and where to look next. */
  description: string;
  queries: readonly Query[];
  /** Width in columns of 24. */
  width: number;
  height?: number;
  /** Grafana's unit: `s`, `percentunit`, `short`, `reqps`, `bytes`. */
  unit?: string;
}

const targets = (queries: readonly Query[], format = PromQueryFormat.TimeSeries) =>
  queries.map(([expr, legend], index) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .datasource(dataSource)
      .expr(expr)
      .legendFormat(legend)
      .format(format)
      .range(),
  );

const tooltip = () => new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);
const legend = () =>
  new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true);

/** Lines over time. `limits` draws the thresholds as dashed lines, `stacked` fills and adds up. */
export function lines(options: Common & { limits?: ThresholdsConfigBuilder; stacked?: boolean; max?: number }): Panel {
  const panel = new TimeSeriesBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(dataSource)
    .targets(targets(options.queries))
    .span(options.width)
    .height(options.height ?? 8)
    .unit(options.unit ?? "short")
    .min(0)
    .lineWidth(options.stacked === true ? 1 : 2)
    .fillOpacity(options.stacked === true ? 40 : 5)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .tooltip(tooltip())
    .legend(legend());
  if (options.max !== undefined) panel.max(options.max);
  if (options.stacked === true) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"));
  if (options.limits !== undefined)
    panel
      .thresholds(options.limits)
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  for (const { name, properties } of seriesColorOverrides) panel.overrideByName(name, properties);
  return panel.build();
}

/** One large figure, the last value of the query. The background colour is the verdict. */
export function figure(
  options: Common & { limits: ThresholdsConfigBuilder; decimals?: number; names?: ValueMapping[]; link?: string },
): Panel {
  const panel = new StatBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(dataSource)
    .targets(targets(options.queries))
    .span(options.width)
    .height(options.height ?? 4)
    .unit(options.unit ?? "short")
    .thresholds(options.limits)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.Area)
    .noValue("no data")
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  if (options.names !== undefined) panel.mappings(options.names);
  return panel.build();
}

/** Bands over time, one for each series: states, or presence while the value is 1. */
export function bands(options: Common & { names?: ValueMapping[]; limits?: ThresholdsConfigBuilder }): Panel {
  const panel = new StateTimelineBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(dataSource)
    .targets(targets(options.queries))
    .span(options.width)
    .height(options.height ?? 6)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .rowHeight(0.8)
    .fillOpacity(80)
    .tooltip(tooltip())
    .legend(new VizLegendOptionsBuilder().showLegend(false).displayMode(LegendDisplayMode.Hidden));
  if (options.names !== undefined) panel.mappings(options.names);
  if (options.limits !== undefined) panel.thresholds(options.limits);
  return panel.build();
}

/** Counts by bucket over time. Queries are sums of buckets by `le`. */
export function heat(options: Common): Panel {
  return new HeatmapBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(dataSource)
    .targets(targets(options.queries, PromQueryFormat.Heatmap))
    .span(options.width)
    .height(options.height ?? 8)
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme("Oranges").steps(32))
    .yAxis(new YAxisConfigBuilder().unit(options.unit ?? "s"))
    .build();
}

/** Static text: a legend, a runbook. */
export function text(options: { title: string; description: string; markdown: string; width: number; height: number }) {
  return new TextBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(dataSource)
    .span(options.width)
    .height(options.height)
    .mode(TextMode.Markdown)
    .content(options.markdown)
    .build();
}
