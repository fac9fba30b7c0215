/** A metric that an expression reads, and its label matchers as written: `job="signaling"`. */
export interface Selector {
  metric: string;
  matchers: readonly string[];
}

/** Strings, ranges and label lists are passed over; what is left is a metric, a function or a word of PromQL. */
const token =
  /"[^"]*"|\[[^\]]*\]|\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)|(?<![\w.])([a-zA-Z_:][\w:]*)(\s*\{(?:[^"}]|"[^"]*")*\})?(\s*\()?/g;
const words = new Set(["and", "or", "unless", "bool", "offset"]);

/** The vector selectors of a PromQL expression, in order. It reads names and braces, and does not judge the grammar. */
export function selectorsOf(expr: string): Selector[] {
  return [...expr.matchAll(token)].flatMap(([, metric, braces = "", call]) =>
    metric === undefined || call !== undefined || words.has(metric)
      ? []
      : [{ metric, matchers: braces.match(/\w+\s*(?:=~|!~|!=|=)\s*"[^"]*"/g) ?? [] }],
  );
}
