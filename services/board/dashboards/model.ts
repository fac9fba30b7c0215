/** The part of Grafana's dashboard JSON (schema 42) that the board draws. */
export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  time?: { from: string };
  panels: Panel[];
  templating?: { list?: { name: string; label?: string; query?: unknown; allValue?: string }[] };
  annotations?: { list?: Annotation[] };
}

export interface Annotation {
  name: string;
  enable?: boolean;
  iconColor?: string;
  expr?: string;
  titleFormat?: string;
}

export interface Threshold {
  value: number | null;
  color: string;
}

/** Numbers with a name and a colour: `{"0": {"text": "ready", "color": "#…"}}`. */
export type Names = Readonly<Record<string, { text?: string; color?: string }>>;

export interface Panel {
  id: number;
  /** row, timeseries, stat, table, state-timeline, heatmap, text */
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr?: string; legendFormat?: string; format?: string; refId?: string }[];
  options?: {
    content?: string;
    /** The content as HTML, rendered by the board's server. */
    html?: string;
    reduceOptions?: { calcs?: string[] };
    legend?: { showLegend?: boolean };
  };
  fieldConfig?: {
    defaults?: {
      unit?: string;
      decimals?: number;
      min?: number;
      max?: number;
      noValue?: string;
      thresholds?: { steps?: Threshold[] };
      mappings?: { type: string; options: Names }[];
      custom?: { stacking?: { mode?: string }; thresholdsStyle?: { mode?: string }; fillOpacity?: number };
    };
    overrides?: { matcher?: { options?: unknown }; properties?: { id: string; value?: { fixedColor?: string } }[] }[];
  };
}

/** One series of a panel's answer. */
export interface PanelSeries {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** [epoch ms, value], oldest first. */
  samples: [at: number, value: number][];
}

export interface DashboardData {
  /** Epoch ms. */
  from: number;
  to: number;
  stepMs: number;
  panels: Record<number, { series: PanelSeries[]; error?: string }>;
  annotations: { name: string; color: string; title: string; from: number; to: number }[];
}

/** Windows that a dashboard can show, with the distance of samples, s. */
export const ranges: Readonly<Record<string, readonly [seconds: number, step: number]>> = {
  "5m": [300, 5],
  "15m": [900, 5],
  "1h": [3_600, 15],
  "6h": [21_600, 60],
};
