import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { escapeText } from "../../common/charts/svg.ts";
import type { Judged } from "../runner/verdict.ts";
import { figureTable, heading, page } from "./page.ts";
import { environment, makeReportDir } from "./store.ts";

/** A soak or a game day: several steps with one verdict. */
export interface Session {
  kind: "soak" | "game-day";
  verdict: "passed" | "deviated";
  claim: string;
  reasons: string[];
  expectations: Judged[];
  engine: string;
  stack: string;
  seed: number;
  startedAt: number;
  endedAt: number;
  /** The events: [seconds since the start, text]. */
  lines: (readonly [second: number, text: string])[];
}

/** Writes report.json, report.md and report.html of a session, and returns their folder. */
export function writeSession(root: string, session: Session): string {
  const { kind, verdict, claim, reasons, expectations, lines, stack, engine, seed, startedAt } = session;
  const dir = makeReportDir(root, startedAt, kind);
  const text = lines.map(([second, line]) => `${second.toFixed(1).padStart(7)} s  ${line}`).join("\n");
  const { version } = environment(root);
  writeFileSync(
    join(dir, "report.md"),
    `# ${kind}: ${verdict}\n\n${claim}\n\n${reasons.map((reason) => `- ${reason}\n`).join("")}\n${text}\n`,
  );
  writeFileSync(
    join(dir, "report.html"),
    page(
      `${kind}: ${verdict}`,
      `${heading(kind, verdict, claim, reasons)}<h2>Figures</h2>${figureTable(expectations)}
<h2>What happened when</h2><pre>${escapeText(text)}</pre>
<p class="small">Stack ${escapeText(stack)}, ${engine} engine, seed ${seed}, ${new Date(startedAt).toISOString()}, version ${version}.</p>`,
    ),
  );
  writeFileSync(
    join(dir, "report.json"),
    `${JSON.stringify({ ...session, drill: kind, control: null, environment: environment(root) }, null, 1)}\n`,
  );
  return dir;
}

/** A figure of a session. */
export function figure(name: string, measured: number | null, unit: string, bound: string, ok: boolean): Judged {
  return { name, measured, unit, bound, ok, notApplicable: null };
}
