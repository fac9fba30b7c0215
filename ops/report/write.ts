import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { escapeText } from "../../common/charts/svg.ts";
import type { DrillResult } from "../runner/result.ts";
import { shownFigure } from "../runner/verdict.ts";
import { drillPage } from "./page.ts";
import { environment, makeReportDir } from "./store.ts";

/** Writes report.json, report.md, junit.xml and report.html, and returns their folder. */
export function writeReport(root: string, result: DrillResult): string {
  const dir = makeReportDir(root, result.startedAt, result.drill);
  const all = { kind: "drill", ...result, environment: environment(root) };
  writeFileSync(join(dir, "report.md"), markdown(result));
  writeFileSync(join(dir, "junit.xml"), junit(result));
  writeFileSync(join(dir, "report.html"), drillPage(root, result));
  // Written last: a folder counts as a report once this file exists.
  writeFileSync(join(dir, "report.json"), `${JSON.stringify(all, null, 1)}\n`);
  return dir;
}

/** The report as text, also for the terminal. */
export function markdown(result: DrillResult): string {
  const rows = result.expectations.map(
    (judged) => `| ${judged.name} | ${judged.bound} | ${shownFigure(judged)} | ${judged.ok ? "ok" : "DEVIATES"} |`,
  );
  return [
    `# ${result.drill}: ${result.verdict}`,
    `\n${result.claim}\n`,
    ...(result.control === null ? [] : [`Negative control, it must deviate: without ${result.control}.\n`]),
    ...result.reasons.map((reason) => `- ${reason}`),
    "\n| expectation | bound | measured | |\n|---|---|---|---|",
    ...rows,
    `\nEngine ${result.engine}, seed ${result.seed}, ${result.node || "no replica"}; commands:\n`,
    ...result.typed.map((line) => `    ${line}`),
    `\nRunbook: docs/runbooks/${result.runbook}.md · dashboard: ${result.dashboard}`,
    `\n${result.teaches}\n`,
  ].join("\n");
}

function junit({ drill, expectations, verdict, reasons, startedAt, endedAt }: DrillResult): string {
  const cases = [
    { name: "verdict", ok: verdict === "passed", text: [verdict, ...reasons].join("; ") },
    ...expectations.map((judged) => ({
      name: judged.name,
      ok: judged.ok,
      text: `${shownFigure(judged)}, bound ${judged.bound}`,
    })),
  ];
  const lines = cases.map(
    ({ name, ok, text }) =>
      `  <testcase classname="${drill}" name="${escapeText(name)}">${ok ? "" : `<failure message="${escapeText(text)}"/>`}</testcase>`,
  );
  const failures = cases.filter(({ ok }) => !ok).length;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="${drill}" tests="${cases.length}" failures="${failures}" time="${(endedAt - startedAt) / 1000}">
${lines.join("\n")}
</testsuite>
`;
}
