import { type Chart, type ChartOption, init } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { darkInks, type Inks, lightInks } from "../../../../common/charts/palette.ts";
import { registerCharts } from "../../../../common/charts/register.ts";
import { isDark } from "./theme.ts";

registerCharts(CanvasRenderer);

export const inks = (): Inks => (isDark() ? darkInks : lightInks);

/** A chart that resizes with its element. */
export function openChart(element: HTMLElement): { chart: Chart; draw(option: ChartOption): void; close(): void } {
  const chart = init(element, null, { renderer: "canvas" });
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(element);
  return {
    chart,
    draw: (option) => chart.setOption(option, { notMerge: true, lazyUpdate: true }),
    close(): void {
      observer.disconnect();
      chart.dispose();
    },
  };
}
