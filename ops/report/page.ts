import { escapeText } from "../../common/charts/svg.ts";
import type { DrillResult } from "../runner/result.ts";
import { shownFigure } from "../runner/verdict.ts";
import { environment } from "./store.ts";
import { drawReconnects, drawTimeline } from "./timeline.ts";

/** Colours with contrast in both themes, for screens, mail and paper. */
const style = `
:root{color-scheme:light;--ink:#12202e;--soft:#4a5b6b;--line:#c9d3dc;--good:#00694c;--bad:#a83c00}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:#fff;max-width:980px;margin:32px auto;padding:0 16px}
h1{margin:0 0 4px;font-size:28px}h2{font-size:18px;margin:32px 0 8px}.claim{font-size:19px;margin:8px 0}
.verdict{display:inline-block;padding:3px 14px;border-radius:14px;color:#fff;font-weight:600;background:var(--bad)}
.verdict.good{background:var(--good)}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:7px 10px;border-bottom:1px solid var(--line)}
.ok{color:var(--good)}.bad{color:var(--bad);font-weight:600}
pre{background:#f3f6f8;padding:10px;overflow:auto;font-size:14px;white-space:pre-wrap}
svg{width:100%;height:auto}.small{color:var(--soft);font-size:14px}`;

/** One self-contained page, without scripts and without external files. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title><style>${style}</style></head><body><main>
${body}
</main></body></html>
`;
}

/** The expectations and the measured values, as a table. */
export function figureTable(figures: DrillResult["expectations"]): string {
  const rows = figures.map(
    (judged) =>
      `<tr><td>${escapeText(judged.name)}</td><td>${escapeText(judged.bound)}</td><td><b>${escapeText(shownFigure(judged))}</b></td><td class="${judged.ok ? "ok" : "bad"}">${judged.ok ? "held" : "deviates"}</td></tr>`,
  );
  return `<table><thead><tr><th>expectation</th><th>bound</th><th>measured</th><th>verdict</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** The heading of a report: name, verdict and reasons. */
export function heading(name: string, verdict: string, claim: string, reasons: readonly string[]): string {
  return `<h1>${escapeText(name)}</h1><span class="verdict${verdict === "passed" ? " good" : ""}">${escapeText(verdict)}</span><p class="claim">${escapeText(claim)}</p>
${reasons.map((reason) => `<p class="bad">${escapeText(reason)}</p>`).join("")}`;
}

/** A drill's report as a page. */
export function drillPage(root: string, result: DrillResult): string {
  const { version, node, os, arch } = environment(root);
  const control =
    result.control === null ? "" : `<p>Negative control, it must deviate: without ${escapeText(result.control)}.</p>`;
  return page(
    `${result.drill}: ${result.verdict}`,
    `${heading(result.drill, result.verdict, result.claim, result.reasons)}${control}
<h2>Expected and measured</h2>${figureTable(result.expectations)}
<h2>Timeline</h2>${drawTimeline(result)}
<p class="small">Seconds from the injection. A signal is lost when its replica acknowledged it, its addressee was connected, and it did not come within 5 s.
It is counted in the second in which it was sent: what was on its way when the fault struck was sent just before, so its bar may stand before the mark.
A signal that was refused, or whose addressee was known to be away, is not lost: its sender sends it again.</p>
<h2>Reconnects by how long they took</h2>${drawReconnects(result)}
<h2>What was counted</h2>${counts(result)}
<h2>Commands</h2><pre>${escapeText(result.typed.join("\n"))}</pre>
<p>${escapeText(result.teaches)} Runbook: docs/runbooks/${escapeText(result.runbook)}.md; dashboard: ${escapeText(result.dashboard)}.</p>
<p class="small">Stack ${escapeText(result.stack)}, ${result.engine} engine, seed ${result.seed}, ${new Date(result.startedAt).toISOString()}, version ${version}, Node ${node}, ${os} ${arch}.</p>`,
  );
}

function counts({ calls }: DrillResult): string {
  if (calls === null) return "<p>Nothing was measured.</p>";
  const { signals, peers } = calls;
  const refused = Object.entries(signals.refused).map(([code, count]) => `${count} refused (${escapeText(code)})`);
  const lost =
    signals.lost === 0
      ? "none lost"
      : `${signals.lost} lost, ${signals.lostAfterRejoin} of them after both peers had joined again`;
  return `<p>${peers.length} peers in ${calls.calls.established} calls, ${calls.media.connected} of them with a live WebRTC connection.
${signals.sent} signals sent, ${signals.received} received, ${lost}, ${signals.duplicated} repeated, ${signals.stale} stale${refused.length === 0 ? "" : `, ${refused.join(", ")}`}.</p>`;
}
