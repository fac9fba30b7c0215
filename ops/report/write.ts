import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { DrillResult } from "../runner/result.ts";
import { shownFigure } from "../runner/verdict.ts";
import { drawReconnects, drawTimeline, escapeXml } from "./timeline.ts";

/** Writes report.json, report.md, junit.xml and report.html, and returns their folder. */
export function writeReport(root: string, result: DrillResult): string {
  const time = new Date(result.startedAt).toISOString().replace(/[:.]/g, "-");
  const dir = join(root, "reports", `${time}-${result.drill}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "report.json"), `${JSON.stringify({ ...result, environment: environment() }, null, 1)}\n`);
  writeFileSync(join(dir, "report.md"), markdown(result));
  writeFileSync(join(dir, "junit.xml"), junit(result));
  writeFileSync(join(dir, "report.html"), html(result));
  return dir;
}

/** The folder of the newest report; undefined where there is none. */
export function lastReport(root: string): string | undefined {
  const dir = join(root, "reports");
  mkdirSync(dir, { recursive: true });
  const last = readdirSync(dir)
    .filter((name) => /^\d{4}-/.test(name))
    .sort()
    .at(-1);
  return last === undefined ? undefined : join(dir, last);
}

const environment = () => ({ node: process.version, os: `${process.platform} ${release()}`, arch: process.arch });

/** The report as text, which the terminal prints too. */
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
    `\nEngine ${result.engine}, seed ${result.seed}, ${result.node || "no replica"}; what was typed:\n`,
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
      `  <testcase classname="${drill}" name="${escapeXml(name)}">${ok ? "" : `<failure message="${escapeXml(text)}"/>`}</testcase>`,
  );
  const failures = cases.filter(({ ok }) => !ok).length;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="${drill}" tests="${cases.length}" failures="${failures}" time="${(endedAt - startedAt) / 1000}">
${lines.join("\n")}
</testsuite>
`;
}

function html(result: DrillResult): string {
  const { calls } = result;
  const rows = result.expectations.map(
    (judged) =>
      `<tr><td>${escapeXml(judged.name)}</td><td>${escapeXml(judged.bound)}</td><td><b>${shownFigure(judged)}</b></td><td class="${judged.ok ? "ok" : "bad"}">${judged.ok ? "held" : "deviates"}</td></tr>`,
  );
  const counts =
    calls === null
      ? ""
      : `<p>${calls.peers.length} peers in ${calls.calls.established} calls, ${calls.media.connected} of them with a live WebRTC connection.
${calls.signals.sent} signals sent, ${calls.signals.received} received, ${calls.signals.lost} lost, ${calls.signals.duplicated} repeated, ${calls.signals.stale} stale.</p>`;
  const { node, os, arch } = environment();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${result.drill}: ${result.verdict}</title><style>
body{font:15px/1.5 system-ui,sans-serif;color:#0f172a;max-width:980px;margin:32px auto;padding:0 16px}
h1{margin:0 0 4px;font-size:26px}h2{font-size:17px;margin:32px 0 8px}.claim{font-size:18px;margin:8px 0}
.verdict{display:inline-block;padding:3px 14px;border-radius:14px;color:#fff;font-weight:600;background:${result.verdict === "passed" ? "#16a34a" : "#dc2626"}}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:7px 10px;border-bottom:1px solid #e2e8f0}
.ok{color:#15803d}.bad{color:#b91c1c;font-weight:600}pre{background:#f1f5f9;padding:10px;overflow:auto;font-size:13px}
svg{width:100%;height:auto;font:12px system-ui,sans-serif;fill:#475569}svg .title{font-weight:600;fill:#0f172a}.small{color:#64748b;font-size:13px}
</style></head><body>
<h1>${result.drill}</h1><span class="verdict">${result.verdict}</span><p class="claim">${escapeXml(result.claim)}</p>
${result.control === null ? "" : `<p>Negative control, it must deviate: without ${escapeXml(result.control)}.</p>`}
${result.reasons.map((reason) => `<p class="bad">${escapeXml(reason)}</p>`).join("")}
<h2>Expected and measured</h2><table><tr><th>expectation</th><th>bound</th><th>measured</th><th></th></tr>${rows.join("")}</table>
<h2>Timeline</h2>${drawTimeline(result)}
<h2>Reconnects by how long they took</h2>${drawReconnects(result)}
<h2>What was counted</h2>${counts}
<h2>What was done</h2><pre>${escapeXml(result.typed.join("\n"))}</pre>
<p>${escapeXml(result.teaches)} Runbook: docs/runbooks/${result.runbook}.md; dashboard: ${escapeXml(result.dashboard)}.</p>
<p class="small">Stack ${result.stack}, ${result.engine} engine, seed ${result.seed}, ${new Date(result.startedAt).toISOString()}, Node ${node}, ${os} ${arch}.</p>
</body></html>
`;
}
