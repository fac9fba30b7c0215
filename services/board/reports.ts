import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Maximum number of listed reports, newest first. */
const listLimit = 500;
/** A drill that has not passed for this time gets a mark, ms. */
const staleMs = 30 * 86_400_000;

interface Figure {
  name: string;
  bound: string;
  measured: number | null;
  unit: string;
  ok: boolean;
}

/** One run, from its report. */
export interface ReportRow {
  id: string;
  kind: "drill" | "soak" | "game-day";
  drill: string;
  verdict: string;
  claim: string;
  /** The mechanism that a negative control switched off. A control must deviate. */
  control: string | null;
  stack: string;
  engine: string;
  seed: number;
  startedAt: number;
  endedAt: number;
  version: string;
  figures: Figure[];
  reasons: string[];
}

/** When a drill last passed, and why that is out of date; both null if it is recent or never ran. */
export interface LastPass {
  drill: string;
  at: number | null;
  version: string | null;
  mark: "never" | "old" | "other version" | null;
}

/** The reports under `dir`. Each is read once, because a report does not change. */
export function createReports(dir: string, version: string, now: () => number = Date.now) {
  const known = new Map<string, ReportRow | null>();

  function read(id: string): ReportRow | null {
    try {
      const raw = JSON.parse(readFileSync(join(dir, id, "report.json"), "utf8")) as Partial<ReportRow> & {
        drill: string;
        expectations?: Figure[];
        environment?: { version?: string };
      };
      return {
        id,
        kind: raw.kind ?? "drill",
        drill: raw.drill,
        verdict: raw.verdict ?? "unmet",
        claim: raw.claim ?? "",
        control: raw.control ?? null,
        stack: raw.stack ?? "",
        engine: raw.engine ?? "",
        seed: raw.seed ?? 0,
        startedAt: raw.startedAt ?? 0,
        endedAt: raw.endedAt ?? 0,
        version: raw.environment?.version ?? "unknown",
        figures: raw.expectations ?? [],
        reasons: raw.reasons ?? [],
      };
    } catch (error) {
      // The report is still being written, or has another format.
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  function rows(): ReportRow[] {
    const ids = existsSync(dir)
      ? readdirSync(dir)
          .filter((name) => /^\d{4}-\d\d-\d\dT[\w-]+$/.test(name))
          .sort()
          .reverse()
          .slice(0, listLimit)
      : [];
    return ids.flatMap((id) => {
      const row = known.get(id) ?? read(id);
      if (row !== null) known.set(id, row);
      return row ?? [];
    });
  }

  return {
    list(): { version: string; rows: ReportRow[]; lastPassed: LastPass[] } {
      const all = rows();
      const drills = [...new Set(all.map(({ drill }) => drill))].sort();
      const lastPassed = drills.map((drill): LastPass => {
        const passed = all.find((row) => row.drill === drill && row.verdict === "passed" && row.control === null);
        if (passed === undefined) return { drill, at: null, version: null, mark: "never" };
        const old = now() - passed.startedAt > staleMs;
        const mark = old ? "old" : passed.version === version ? null : "other version";
        return { drill, at: passed.startedAt, version: passed.version, mark };
      });
      return { version, rows: all, lastPassed };
    },
    /** The path of a report's page; undefined if there is none. */
    page(id: string): string | undefined {
      const path = join(dir, id, "report.html");
      return /^\d{4}-\d\d-\d\dT[\w-]+$/.test(id) && existsSync(path) ? path : undefined;
    },
  };
}

export type Reports = ReturnType<typeof createReports>;
