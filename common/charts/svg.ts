import { type ChartOption, init, setPlatformAPI } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { registerCharts } from "./register.ts";

registerCharts(SVGRenderer);
// Without a canvas the text width is an estimate. It is slightly too wide, so that words never touch.
setPlatformAPI({
  measureText(text, font) {
    const size = Number.parseFloat(font.split(" ").find((part) => part.endsWith("px")) ?? "12px");
    return { width: text.length * size * (/bold|[6-9]00/.test(font) ? 0.64 : 0.58) };
  },
});

/** Draws a chart as SVG text without a browser, for reports and benchmarks. */
export function drawSvg(option: ChartOption, size: { width: number; height: number }, label: string): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...size });
  try {
    chart.setOption({ ...option, animation: false });
    return chart.renderToSVGString().replace("<svg ", `<svg role="img" aria-label="${escapeText(label)}" `);
  } finally {
    // Without it ECharts' clock keeps the process alive.
    chart.dispose();
  }
}

/** Escapes text for XML and HTML, attributes included. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
