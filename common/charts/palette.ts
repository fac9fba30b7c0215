/** Colours that differ for every kind of colour vision, on light and dark backgrounds (Okabe and Ito 2008). */
const distinct = ["#0072b2", "#e69f00", "#cc79a7", "#009e73", "#56b4e9", "#d55e00"] as const;

/** The n-th colour, from 0. */
export const colourOf = (index: number): string => distinct[index % distinct.length] ?? distinct[0];

/** The colour of a replica, the same in every chart. */
export function replicaColour(id: string): string {
  const number = Number(id.slice(id.lastIndexOf("-") + 1));
  return colourOf(Number.isInteger(number) && number > 0 ? number - 1 : 5);
}

/** Colour and sign of a state. */
export const stateColours: Readonly<Record<string, string>> = {
  ready: "#009e73",
  up: "#009e73",
  degraded: "#e69f00",
  draining: "#56b4e9",
  down: "#d55e00",
};

/** Colours of a chart's text and axes for a background. */
export interface Inks {
  text: string;
  soft: string;
  grid: string;
}

export const lightInks: Inks = { text: "#12202e", soft: "#4a5b6b", grid: "#dde4ea" };
export const darkInks: Inks = { text: "#eef3f7", soft: "#a9b8c6", grid: "#2b3947" };
