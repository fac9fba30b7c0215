import { BarChart, CustomChart, LineChart } from "echarts/charts";
import {
  AxisPointerComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
} from "echarts/components";
import { use } from "echarts/core";

/** Registers the used parts of ECharts. Call it once, before the first chart. */
export function registerCharts(...renderers: unknown[]): void {
  use([
    BarChart,
    CustomChart,
    LineChart,
    AxisPointerComponent,
    GridComponent,
    MarkAreaComponent,
    MarkLineComponent,
    TitleComponent,
    TooltipComponent,
    ...renderers,
  ]);
}
