/** Something that does not hold; one line that names what is wrong and where. */
export type Finding = string;

/** What one check found, and how much it looked at: nothing to look at is a finding too. */
export interface Checked {
  /** Ends the line "12 …": `panel queries have series`. */
  what: string;
  count: number;
  findings: Finding[];
}
