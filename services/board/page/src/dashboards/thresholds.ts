import type { Threshold } from "../../../dashboards/model.ts";

/** The colour of the highest threshold that `value` reaches. The first threshold has no value and always applies. */
export function thresholdColour(steps: readonly Threshold[], value: number): string {
  return steps.findLast((step) => step.value === null || value >= step.value)?.color ?? "#8e8e8e";
}

const tones: Readonly<Record<string, "good" | "warn" | "bad">> = {
  "#56a64b": "good",
  "#f2cc0c": "warn",
  "#e02f44": "bad",
};

/**
 * Maps a colour of grafana/src/design.ts to its meaning. The board has its own colours for the meanings, with contrast
 * in both themes.
 */
export const toneOf = (colour: string): string => tones[colour] ?? "plain";
