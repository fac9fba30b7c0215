/** A violation: one line that names the fault and its place. */
export type Finding = string;

/** The result of one check, and the number of checked items. Zero items count as a failure. */
export interface Checked {
  /** Ends the line "12 …": `panel queries have series`. */
  what: string;
  count: number;
  findings: Finding[];
}
