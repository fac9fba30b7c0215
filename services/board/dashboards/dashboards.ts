import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AdminError } from "../../../common/admin-access.ts";
import { getJson, NoAnswer } from "../poll/get-json.ts";
import { renderMarkdown } from "../runbooks.ts";
import { type Dashboard, type DashboardData, type PanelSeries, ranges } from "./model.ts";
import { legendOf, substitute } from "./substitute.ts";

/** An answer is shared by all requests within this time, ms. So any number of viewers costs one set of queries. */
const sharedMs = 3_000;
/** Time-out of a query, ms. */
const queryMs = 8_000;

interface RangeAnswer {
  data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
}

/** The committed dashboards and Prometheus' answers to their queries. The board sends no other queries. */
export function createDashboards(dir: string, prometheus: string | undefined, now: () => number = Date.now) {
  const boards = new Map<string, Dashboard>();
  for (const file of existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".json")) : []) {
    const board = JSON.parse(readFileSync(join(dir, file), "utf8")) as Dashboard;
    for (const { options } of board.panels)
      if (options?.content !== undefined) options.html = renderMarkdown(options.content);
    boards.set(board.uid, board);
  }
  const cached = new Map<string, { at: number; answer: Promise<DashboardData> }>();

  function find(uid: string): Dashboard {
    const board = boards.get(uid);
    if (board === undefined)
      throw new AdminError(404, `no dashboard ${uid}: there are ${[...boards.keys()].join(", ")}`);
    return board;
  }

  async function series(expr: string, legend: string | undefined, window: readonly number[]): Promise<PanelSeries[]> {
    const [start = 0, end = 0, step = 5] = window;
    const query = new URLSearchParams({ query: expr, start: String(start), end: String(end), step: String(step) });
    const { data } = await getJson<RangeAnswer>(`${prometheus}/api/v1/query_range?${query}`, queryMs);
    return data.result.map(({ metric, values }) => ({
      name: legendOf(legend, metric),
      labels: metric,
      samples: values.map(([at, value]) => [at * 1_000, Number(value)]),
    }));
  }

  async function ask(board: Dashboard, range: string, replica: string): Promise<DashboardData> {
    const [rangeSeconds, stepSeconds] = ranges[range] ?? [900, 5];
    // Aligned to the step, so that all viewers of a window get the same samples.
    const end = Math.floor(now() / 1_000 / stepSeconds) * stepSeconds;
    const window = [end - rangeSeconds, end, stepSeconds];
    const variables = Object.fromEntries(
      (board.templating?.list ?? []).map(({ name, allValue }) => [
        name,
        replica.replaceAll(",", "|") || (allValue ?? ".+"),
      ]),
    );
    const filled = (expr: string) => substitute(expr, { stepSeconds, rangeSeconds, variables });
    const panels: DashboardData["panels"] = {};
    await Promise.all(
      board.panels.map(async ({ id, targets = [] }) => {
        const queries = targets.filter(({ expr }) => expr !== undefined && expr !== "");
        try {
          const answers = await Promise.all(
            queries.map(({ expr, legendFormat }) => series(filled(expr ?? ""), legendFormat, window)),
          );
          panels[id] = { series: answers.flat() };
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          panels[id] = { series: [], error: error.cause === "status" ? error.message : "Prometheus does not answer" };
        }
      }),
    );
    const annotations = await Promise.all(
      (board.annotations?.list ?? [])
        .filter(({ enable, expr }) => enable !== false && expr !== undefined)
        .map(async ({ name, expr, iconColor = "#888888", titleFormat }) => {
          const marks = await series(expr ?? "", titleFormat, window).catch((error: unknown) => {
            if (error instanceof NoAnswer) return [];
            throw error;
          });
          return marks.flatMap(({ name: title, samples }) =>
            spansOf(samples, stepSeconds * 1_000).map((span) => ({ name, color: iconColor, title, ...span })),
          );
        }),
    );
    return {
      from: (end - rangeSeconds) * 1_000,
      to: end * 1_000,
      stepMs: stepSeconds * 1_000,
      panels,
      annotations: annotations.flat(),
    };
  }

  return {
    list: () => [...boards.values()].map(({ uid, title, description }) => ({ uid, title, description })),
    /** @throws AdminError 404 */
    board: find,
    /**
     * @param range one of {@link ranges}
     * @param replica ids, comma-separated; empty: all
     * @throws AdminError 400 or 404
     */
    data(uid: string, range: string, replica: string): Promise<DashboardData> {
      const board = find(uid);
      if (ranges[range] === undefined)
        throw new AdminError(400, `range=${range}: must be one of ${Object.keys(ranges).join(", ")}`);
      if (!/^(signaling-\d{1,2}(,signaling-\d{1,2}){0,9})?$/.test(replica))
        throw new AdminError(400, "replica: must be ids of replicas, comma-separated");
      if (prometheus === undefined) throw new AdminError(503, "this stack has no Prometheus");
      const key = `${uid} ${range} ${replica}`;
      const known = cached.get(key);
      if (known !== undefined && now() - known.at < sharedMs) return known.answer;
      for (const [old, { at }] of cached) if (now() - at > sharedMs) cached.delete(old);
      const answer = ask(board, range, replica);
      cached.set(key, { at: now(), answer });
      return answer;
    },
  };
}

export type Dashboards = ReturnType<typeof createDashboards>;

/** Joins samples without a gap to spans. */
function spansOf(samples: PanelSeries["samples"], stepMs: number): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  for (const [at] of samples) {
    const last = spans.at(-1);
    if (last !== undefined && at - last.to <= stepMs) last.to = at;
    else spans.push({ from: at, to: at });
  }
  return spans;
}
