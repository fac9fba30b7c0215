import { expect, test } from "vitest";
import { legendOf, substitute } from "./substitute.ts";

const window = { stepSeconds: 5, rangeSeconds: 900, variables: { replica: ".+" } };

test("Grafana's variables and the dashboard's own are replaced, with and without braces", () => {
  expect(substitute('rate(a{replica=~"$replica"}[$__rate_interval])', window)).toBe('rate(a{replica=~".+"}[20s])');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own braces.
  expect(substitute("increase(a[${__range}]) / $__interval", window)).toBe("increase(a[900s]) / 5s");
  expect(substitute("rate(a[$__rate_interval])", { ...window, stepSeconds: 60 })).toBe("rate(a[65s])");
});

test("other text is not changed", () => {
  expect(substitute('label_replace(a, "b", "$1", "c", "(.*)")', window)).toBe(
    'label_replace(a, "b", "$1", "c", "(.*)")',
  );
});

test("a legend contains the labels; without a legend the series itself is shown", () => {
  expect(legendOf("{{action}} {{target}}", { action: "kill", target: "redis" })).toBe("kill redis");
  expect(legendOf("drill {{drill}}", {})).toBe("drill");
  expect(legendOf("", { __name__: "up", job: "proxy" })).toBe('up{job="proxy"}');
});
