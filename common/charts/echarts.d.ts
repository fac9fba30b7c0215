/** Declares the used part of ECharts, because its own declarations do not resolve under `nodenext`. */
declare module "echarts/core" {
  /** https://echarts.apache.org/en/option.html */
  export type ChartOption = Readonly<Record<string, unknown>>;
  export interface Chart {
    group: string;
    setOption(option: ChartOption, how?: { notMerge?: boolean; lazyUpdate?: boolean; replaceMerge?: string[] }): void;
    resize(size?: { width?: number; height?: number }): void;
    dispose(): void;
    getZr(): { on(event: string, handler: (event: { offsetX: number; offsetY: number }) => void): void };
    convertFromPixel(finder: { gridIndex: number }, value: [number, number]): [number, number];
    renderToSVGString(): string;
  }
  export function init(
    element: HTMLElement | null,
    theme?: string | null,
    options?: { renderer?: "canvas" | "svg"; ssr?: boolean; width?: number; height?: number },
  ): Chart;
  export function use(extensions: readonly unknown[]): void;
  export function connect(group: string): void;
  export function setPlatformAPI(api: { measureText(text: string, font: string): { width: number } }): void;
}
declare module "echarts/charts" {
  export const LineChart: unknown;
  export const BarChart: unknown;
  export const CustomChart: unknown;
}
declare module "echarts/components" {
  export const GridComponent: unknown;
  export const TitleComponent: unknown;
  export const TooltipComponent: unknown;
  export const AxisPointerComponent: unknown;
  export const MarkLineComponent: unknown;
  export const MarkAreaComponent: unknown;
}
declare module "echarts/renderers" {
  export const CanvasRenderer: unknown;
  export const SVGRenderer: unknown;
}
