/** A metric that an expression reads, and its label matchers as written: `job="signaling"`. */
export interface Selector {
  metric: string;
  matchers: readonly string[];
}

const clauses = /\b(?:by|on|ignoring|without)\s*\([^)]*\)|\bgroup_(?:left|right)\b(?:\s*\([^)]*\))?/g;
/** Strings and ranges are skipped. The rest are metrics, functions and keywords of PromQL. */
const token = /"[^"]*"|\[[^\]]*\]|(?<![\w.])([a-zA-Z_:][\w:]*)(\s*\{(?:[^"}]|"[^"]*")*\})?(\s*\()?/g;
const words = new Set(["and", "or", "unless", "bool", "offset"]);

/** The vector selectors of a PromQL expression, in order. It reads names and braces and does not check the grammar. */
export function selectorsOf(expr: string): Selector[] {
  return [...expr.replace(clauses, "").matchAll(token)].flatMap(([, metric, braces = "", call]) =>
    metric === undefined || call !== undefined || words.has(metric)
      ? []
      : [{ metric, matchers: braces.match(/\w+\s*(?:=~|!~|!=|=)\s*"[^"]*"/g) ?? [] }],
  );
}
