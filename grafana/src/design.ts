import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import {
  type DynamicConfigValue,
  FieldColorModeId,
  MappingType,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";

/** The one data source, provisioned with this uid. */
export const dataSource: DataSourceRef = { type: "prometheus", uid: "prometheus" };

/** The meaning of a colour, the same on every dashboard. */
export const colors = {
  good: "#56a64b",
  warn: "#f2cc0c",
  bad: "#e02f44",
  planned: "#5794f2",
  neutral: "#8e8e8e",
} as const;

/** Colours by series name. A replica, a scope or a state has the same colour everywhere. */
const seriesColors: Readonly<Record<string, string>> = {
  "signaling-1": "#3274d9",
  "signaling-2": "#ff9830",
  "signaling-3": "#a352cc",
  "signaling-4": "#37872d",
  "signaling-5": "#e0b400",
  none: colors.neutral,
  local: colors.good,
  remote: colors.planned,
  ok: colors.good,
  failed: colors.bad,
  connected: colors.good,
  "setting-up": colors.planned,
  reconnecting: colors.warn,
  sent: colors.planned,
  received: colors.good,
  lost: colors.bad,
  websocket: colors.planned,
  polling: "#ff9830",
  ws: "#a352cc",
  p50: colors.good,
  p95: colors.warn,
  p99: colors.bad,
};

/** Overrides that paint the series of {@link seriesColors}. */
export const seriesColorOverrides: readonly { name: string; properties: DynamicConfigValue[] }[] = Object.entries(
  seriesColors,
).map(([name, fixedColor]) => ({
  name,
  properties: [{ id: "color", value: { mode: FieldColorModeId.Fixed, fixedColor } }],
}));

/** Green below `warn`, yellow from `warn` on, red from `bad` on; reversed if `bad` is the smaller one. */
export function thresholds(warn: number, bad: number): ThresholdsConfigBuilder {
  const steps: Threshold[] =
    warn < bad
      ? [
          { value: null, color: colors.good },
          { value: warn, color: colors.warn },
          { value: bad, color: colors.bad },
        ]
      : [
          { value: null, color: colors.bad },
          { value: bad, color: colors.warn },
          { value: warn, color: colors.good },
        ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

/** Green at 0, red from `bad` on. */
export function noneExpected(bad = 1): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: colors.good },
    { value: bad, color: colors.bad },
  ]);
}

/** Numbers that are states: `{0: ["ready", colors.good], …}`. */
export function valueNames(names: Readonly<Record<number, readonly [text: string, color: string]>>): ValueMapping[] {
  const options = Object.entries(names).map(
    ([value, [text, color]], index) => [value, { text, color, index }] as const,
  );
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }];
}

/** `replica:proxy_replica_state:code` (prometheus/rules/recording.yml). */
export const replicaStates = valueNames({
  0: ["ready", colors.good],
  1: ["degraded", colors.warn],
  2: ["draining", colors.planned],
  3: ["down", colors.bad],
});

export const upDown = valueNames({ 0: ["down", colors.bad], 1: ["up", colors.good] });
