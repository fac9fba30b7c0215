import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Rule } from "../stack/prometheus.ts";
import type { Checked, Finding } from "./finding.ts";

/** The headings of every runbook, in this order. */
const headings = ["What the user feels", "First query", "Likely causes, in order", "Commands", "Raise it"];

/**
 * Checks that every alert has a severity, a summary and a complete runbook. The runbook must name an existing `make
 * provoke ALERT=…`, and only existing drills.
 */
export function checkRunbooks(root: string, rules: readonly Rule[], provocations: ReadonlySet<string>): Checked {
  const alerts = rules.filter((rule) => rule.type === "alerting");
  const findings = alerts.flatMap(({ name, labels = {}, annotations = {} }): Finding[] => {
    const found: Finding[] = [];
    if (!["critical", "warning", "info"].includes(labels["severity"] ?? "")) found.push(`${name} has no severity`);
    if (!annotations["summary"]) found.push(`${name} has no summary`);
    const path = annotations["runbook_url"]?.match(/docs\/runbooks\/\w+\.md$/)?.[0] ?? "";
    if (!path.endsWith(`/${name}.md`) || !existsSync(join(root, path)))
      return [...found, `${name} has no runbook: runbook_url is ${annotations["runbook_url"] ?? "missing"}`];
    const text = readFileSync(join(root, path), "utf8");
    for (const heading of headings) if (!text.includes(`\n## ${heading}\n`)) found.push(`${path} has no "${heading}"`);
    for (const [, drill = ""] of text.matchAll(/make drill DRILL=([a-z-]+)/g))
      if (existsSync(join(root, "ops/drills")) && !existsSync(join(root, `ops/drills/${drill}.ts`)))
        found.push(`${path} names the drill ${drill}, which does not exist`);
    if (!text.includes(`make provoke ALERT=${name}`) || !provocations.has(name))
      found.push(`${name} is raised by no make provoke ALERT=${name}`);
    return found;
  });
  return { what: "alerts have a runbook and something that raises them", count: alerts.length, findings };
}
