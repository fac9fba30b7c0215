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

/** Registers the share of ECharts that is drawn with; to be called once, before the first chart. */
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
