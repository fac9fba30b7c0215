import { readFileSync } from "node:fs";
import type { Checked, Finding } from "./finding.ts";

/** The documented programs, by the heading of their section in docs/metrics.md. */
export type Component = "Replica" | "Proxy" | "Caller" | "Board" | "Every program" | "Redis";

/** The metric names in docs/metrics.md, by section. */
export function documentedMetrics(path: string): Map<Component, Set<string>> {
  const sections = readFileSync(path, "utf8").split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const component = (/^(Every program|\w+)/.exec(section)?.[1] ?? "") as Component;
      return [component, new Set([...section.matchAll(/^\| `([a-z0-9_]+)` /gm)].map(([, name = ""]) => name))];
    }),
  );
}

/** All series names of a documented metric. A histogram has three. */
export function seriesNames(documented: ReadonlyMap<Component, ReadonlySet<string>>): Set<string> {
  const names = [...documented.values()].flatMap((section) => [...section]);
  return new Set(names.flatMap((name) => [name, ...["bucket", "sum", "count"].map((part) => `${name}_${part}`)]));
}

/** Metric names that a program's /metrics declares, with or without samples. */
export async function exportedMetrics(adminUrl: string): Promise<Set<string>> {
  const response = await fetch(`${adminUrl}/metrics`, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`GET ${adminUrl}/metrics answered ${response.status}`);
  return new Set([...(await response.text()).matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name));
}

/** Compares in both directions: metrics that are exported and not documented, and the reverse. */
export async function checkMetrics(
  documented: ReadonlyMap<Component, ReadonlySet<string>>,
  programs: readonly { name: string; component: Component; adminUrl: string }[],
): Promise<Checked> {
  const findings: Finding[] = [];
  let count = 0;
  for (const { name, component, adminUrl } of programs) {
    const exported = await exportedMetrics(adminUrl);
    const wanted = new Set([...(documented.get(component) ?? []), ...(documented.get("Every program") ?? [])]);
    count += exported.size;
    for (const metric of [...exported].filter((one) => !wanted.has(one)))
      findings.push(`${name} exports ${metric}, not in docs/metrics.md`);
    for (const metric of [...wanted].filter((one) => !exported.has(one)))
      findings.push(`docs/metrics.md has ${metric}, ${name} does not`);
  }
  return { what: "metrics are exported and documented", count, findings };
}
