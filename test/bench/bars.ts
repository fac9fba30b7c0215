import { colourOf, lightInks } from "../../common/charts/palette.ts";
import { drawSvg } from "../../common/charts/svg.ts";

/** One group of bars: a measure, and its value for each compared program, in one unit. */
export interface BarGroup {
  name: string;
  bars: readonly { name: string; value: number }[];
}

const [width, barHeight, gap, margin] = [900, 15, 14, 250];

/** A bar chart as SVG text. Bars longer than `limit` are cut there. Their numbers are complete. */
export function barChart(title: string, groups: readonly BarGroup[], limit = Number.POSITIVE_INFINITY): string {
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const height = 70 + groups.length * (names.length * barHeight + gap);
  const measureOf = (group: BarGroup, name: string) => group.bars.find((bar) => bar.name === name)?.value;
  const longest = Math.max(
    1e-9,
    ...groups.flatMap(({ bars }) => bars.map(({ value }) => (Number.isFinite(value) ? Math.min(value, limit) : 0))),
  );
  const option = {
    backgroundColor: "#fff",
    textStyle: { fontFamily: "sans-serif" },
    title: { text: title, left: 12, top: 8, textStyle: { color: lightInks.text, fontSize: 15 } },
    grid: { left: margin, right: 30, top: 40, bottom: 24 },
    xAxis: { type: "value", max: longest * 1.25, splitLine: { lineStyle: { color: lightInks.grid } } },
    yAxis: {
      type: "category",
      inverse: true,
      data: groups.map(({ name }) => name),
      axisLabel: { color: lightInks.text, width: margin - 20, overflow: "break" },
      axisTick: { show: false },
    },
    series: names.map((name, index) => ({
      type: "bar",
      name,
      color: colourOf(index),
      barWidth: barHeight - 3,
      data: groups.map((group) => {
        const value = measureOf(group, name);
        return value === undefined ? null : Number.isFinite(value) ? Math.min(value, limit) : 0;
      }),
      label: {
        show: true,
        position: "right",
        color: lightInks.text,
        fontSize: 11,
        formatter({ dataIndex }: { dataIndex: number }) {
          const value = groups[dataIndex] === undefined ? undefined : measureOf(groups[dataIndex], name);
          if (value === undefined) return "";
          return `${name} ${Number.isFinite(value) ? value.toFixed(2) : "never"}`;
        },
      },
    })),
  };
  return `${drawSvg(option, { width, height }, title)}\n`;
}
