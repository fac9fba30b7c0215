import { join, resolve } from "node:path";
import type { Log } from "../../common/log.ts";
import { readVersion } from "../../common/version.ts";
import type { Config } from "./config.ts";
import { createDashboards } from "./dashboards/dashboards.ts";
import { createHistory } from "./history.ts";
import { apiRoutes } from "./http/routes.ts";
import { createBoardServer } from "./http/server.ts";
import { readStatic } from "./http/static.ts";
import { createStream } from "./http/stream.ts";
import { createMetrics } from "./metrics.ts";
import { createComposer } from "./poll/compose-snapshot.ts";
import { startPolls } from "./poll/polls.ts";
import { createReports } from "./reports.ts";
import { createRunbooks } from "./runbooks.ts";
import { materialOf, type Snapshot } from "./snapshot.ts";
import { createTrainer } from "./trainer.ts";

/** Longest pause between two snapshots to viewers, ms. A change is sent at once. */
const everyMs = 1_000;
/** Polls that end within this time make one snapshot, ms. */
const gatherMs = 30;

/** The board: one set of polls, an event stream of their results, the history, and the pages. */
export function createBoard(config: Config, log: Log) {
  const root = resolve(import.meta.dirname, "../..");
  const version = readVersion(root);
  const stream = createStream();
  const history = createHistory();
  const metrics = createMetrics(stream.size);
  let newest: Snapshot | null = null;
  let material = "";
  let gathering: NodeJS.Timeout | undefined;

  // The stack that make uses without STACK.
  const make = config.BOARD_STACK === "hold-the-line" ? "make" : `STACK=${config.BOARD_STACK} make`;

  const polls = startPolls(config, () => {
    metrics.polls.inc();
    gathering ??= setTimeout(publish, gatherMs);
  });
  const compose = createComposer(polls, make);

  function publish(): void {
    gathering = undefined;
    const snapshot = compose(Date.now());
    const seen = materialOf(snapshot);
    if (seen === material && snapshot.at - (newest?.at ?? 0) < everyMs) return;
    material = seen;
    newest = snapshot;
    const text = JSON.stringify(snapshot);
    history.add(snapshot, text);
    stream.send(text);
  }

  const prometheus = config.BOARD_TARGETS.find(({ id }) => id === "prometheus")?.url;
  const files = readStatic(resolve(root, config.BOARD_PAGE_DIR));
  if (files.size === 0) log.warn({ dir: config.BOARD_PAGE_DIR }, "no page here: build it with npm run build");
  const server = createBoardServer({
    hostnames: ["board", ...config.BOARD_HOSTNAMES],
    files,
    stream,
    metrics: () => metrics.registry.metrics(),
    log,
    routes: apiRoutes({
      facts: { stack: config.BOARD_STACK, make, version },
      history,
      dashboards: createDashboards(join(root, "grafana", "dashboards"), prometheus),
      reports: createReports(resolve(root, config.BOARD_REPORTS_DIR), version),
      runbooks: createRunbooks(join(root, "docs", "runbooks")),
      trainer: createTrainer(config, polls, () => newest),
    }),
  });

  return {
    async listen(): Promise<void> {
      const { port } = await server.listen(config.BOARD_PORT, config.BOARD_HOST);
      log.info({ port, targets: config.BOARD_TARGETS.map(({ id }) => id) }, "the board is up");
    },
    async close(): Promise<void> {
      polls.close();
      clearTimeout(gathering);
      stream.close();
      await server.close();
    },
  };
}
