import { expect, test } from "vitest";
import { selectorsOf } from "./selectors.ts";

test("finds metrics with their matchers, not functions, keywords, label lists, ranges or strings", () => {
  const expr = `sum by (replica, le) (rate(proxy_requests_total{code=~"5..", replica=~".+"}[1m]))
    or 0 * on (a) group_left stack:x:sum / vector(0.5) unless on () label_replace(up == 1, "job", "no_metric", "", "")`;
  expect(selectorsOf(expr)).toEqual([
    { metric: "proxy_requests_total", matchers: ['code=~"5.."', 'replica=~".+"'] },
    { metric: "stack:x:sum", matchers: [] },
    { metric: "up", matchers: [] },
  ]);
});
