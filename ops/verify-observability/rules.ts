import type { Prometheus, Rule } from "../stack/prometheus.ts";
import type { Checked, Finding } from "./finding.ts";
import { selectorsOf } from "./selectors.ts";

/** Labels whose values exist from a program's start, so that a matcher on them finds series on any healthy stack. */
const standing = /^(job|replica|state|burn|window|scope|result)\s*=/;

/** Checks that every recording rule is evaluated without error and has a number within the window. */
export async function checkRecordings(
  prometheus: Prometheus,
  rules: readonly Rule[],
  window: { since: number; until: number },
): Promise<Checked> {
  const recordings = rules.filter((rule) => rule.type === "recording");
  const findings: Finding[] = [];
  for (const { name, labels = {}, health, lastError } of recordings) {
    const matchers = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const selector = `{__name__="${name}"${matchers.map((matcher) => `,${matcher}`).join("")}}`;
    if (health === "err") findings.push(`rule ${name}: ${lastError}`);
    const series = await prometheus.queryRange(selector, window.since, window.until);
    if (!series.some(({ samples }) => samples.some(([, value]) => Number.isFinite(value))))
      findings.push(`rule ${name}: no value: ${selector}`);
  }
  return { what: "recording rules have a value", count: recordings.length, findings };
}

/**
 * Checks the inputs of every rule. Each metric must be documented or recorded, and must have series for matchers whose
 * values exist from the start (job, replica, state …). An alert without input never fires.
 *
 * @param documented names of docs/metrics.md and of the recording rules
 */
export async function checkExpressions(
  prometheus: Prometheus,
  rules: readonly Rule[],
  documented: ReadonlySet<string>,
  leftOut: RegExp | undefined,
): Promise<Checked> {
  const findings: Finding[] = [];
  for (const { name, query, health, lastError } of rules) {
    if (health === "err") findings.push(`rule ${name}: ${lastError}`);
    for (const { metric, matchers } of selectorsOf(query)) {
      if (leftOut?.test(`${metric}{${matchers.join(",")}}`)) continue;
      if (metric !== "up" && !documented.has(metric)) {
        findings.push(`rule ${name}: reads ${metric}, which is in neither docs/metrics.md nor a recording rule`);
        continue;
      }
      const kept = matchers.filter((matcher) => standing.test(matcher));
      if (kept.length === 0) continue;
      const selector = `${metric}{${kept.join(",")}}`;
      if ((await prometheus.query(`count(${selector})`)).length === 0)
        findings.push(`rule ${name}: ${selector} selects nothing`);
    }
  }
  return { what: "rules read metrics that are there", count: rules.length, findings };
}
