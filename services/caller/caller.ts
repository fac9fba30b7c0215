import { z } from "zod";
import { AdminError } from "../../common/admin-access.ts";
import { createAdminServer } from "../../common/admin-server.ts";
import { CallsRequest } from "../../common/calls.ts";
import type { Log } from "../../common/log.ts";
import { createAlertLog } from "./alerts.ts";
import type { Config } from "./config.ts";
import { createMarks } from "./marks.ts";
import { createMetrics } from "./metrics.ts";
import type { Target } from "./peers/peer.ts";
import type { PeerKind } from "./peers/peer-kind.ts";
import { pulseRoute } from "./pulse.ts";
import { type Run, startRun } from "./runs.ts";

/** Minimum duration of a probe's call, ms. */
const probeHoldMs = 2_000;

const Window = z.object({ since: z.coerce.number().default(0), until: z.coerce.number().default(Number.MAX_VALUE) });

/**
 * The service of synthetic callers: the held calls and the probe of its configuration, runs requested at its admin
 * listener, the marks of chaos actions and drills, and Alertmanager's webhook.
 */
export function createCaller(config: Config, kind: PeerKind, log: Log) {
  const metrics = createMetrics();
  const marks = createMarks(metrics);
  const alerts = createAlertLog();
  const target: Target = {
    kind,
    cookieless: config.PEER_COOKIELESS,
    url: config.TARGET_URL[0] as string,
    urls: config.TARGET_URL,
    ...(config.TOKEN === undefined ? {} : { token: config.TOKEN }),
    ...(config.PEER_PATH === undefined ? {} : { path: config.PEER_PATH }),
    ...(config.PEER_HELLO === undefined ? {} : { hello: config.PEER_HELLO }),
  };
  const runs = new Map<string, Run>();
  const endings = new Set<NodeJS.Timeout>();
  let probing: NodeJS.Timeout | undefined;
  let counting: NodeJS.Timeout | undefined;
  const probes = new Set<Run>();
  let probed = 0;

  function start(request: CallsRequest): Run {
    if (runs.has(request.run)) throw new AdminError(409, `${request.run} is running`);
    const run = startRun(request, { ...target, urls: target.urls.slice(0, request.addresses) }, metrics, log);
    runs.set(run.id, run);
    log.info({ run: run.id, calls: request.calls, rate: request.rate }, "placing calls");
    return run;
  }

  async function stop(run: Run): Promise<void> {
    await run.stop();
    runs.delete(run.id);
  }

  /** Places one short call and ends it when it is set up and held, or has failed. Every fifth has media. */
  function probe(): void {
    probed += 1;
    const request = CallsRequest.parse({ calls: 1, rate: 1, webrtcEvery: probed % 5 === 0 ? 1 : 0, seed: probed });
    const run = startRun(request, target, metrics, log);
    probes.add(run);
    const startedAt = performance.now();
    const ending = setInterval(() => {
      const { "setting-up": settingUp } = run.states();
      if (settingUp > 0 || performance.now() - startedAt < probeHoldMs) return;
      clearInterval(ending);
      endings.delete(ending);
      probes.delete(run);
      run.stop().catch((err: unknown) => log.error({ err }, "probe not ended"));
    }, 250);
    endings.add(ending);
  }

  function census(): void {
    const all = [...runs.values(), ...probes].map((run) => run.states());
    for (const state of ["setting-up", "connected", "reconnecting", "failed"] as const)
      metrics.calls.set(
        { state },
        all.reduce((sum, states) => sum + states[state], 0),
      );
  }

  function runOf(id: string | undefined): Run {
    const run = runs.get(id ?? "");
    if (run === undefined) throw new AdminError(404, `no such run: ${id} (running: ${[...runs.keys()].join(", ")})`);
    return run;
  }

  const admin = createAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    registry: metrics.registry,
    log,
    hostnames: ["caller", ...config.ADMIN_HOSTNAMES],
    token: config.ADMIN_TOKEN,
    routes: {
      "GET /readyz": () => ({ body: { state: "ready" } }),
      "GET /calls": () => ({ body: { runs: [...runs.keys()] } }),
      "POST /calls": ({ body }) => ({ status: 201, body: { run: start(CallsRequest.parse(body)).id } }),
      "GET /calls/:run": ({ params, query }) => {
        const { since, until } = Window.parse(Object.fromEntries(query));
        return { body: runOf(params["run"]).report(since, until) };
      },
      "DELETE /calls/:run": async ({ params }) => {
        const run = runOf(params["run"]);
        await stop(run);
        return { body: run.report(0, Number.MAX_VALUE) };
      },
      "POST /alerts": ({ body }) => {
        alerts.receive(body);
        return { status: 204 };
      },
      "GET /alerts": () => ({ body: alerts.list() }),
      ...marks.routes,
      ...pulseRoute(metrics, marks),
    },
  });

  return {
    async listen(): Promise<void> {
      const { port } = await admin.listen();
      log.info({ port, target: config.TARGET_URL }, "admin listener is up");
      counting = setInterval(census, 1_000);
      if (config.PROBE_EVERY_MS > 0) probing = setInterval(probe, config.PROBE_EVERY_MS);
      if (config.CALLS > 0)
        start(
          CallsRequest.parse({
            calls: config.CALLS,
            rate: config.CALLS_PER_SECOND,
            signalsPerSecond: config.SIGNALS_PER_SECOND,
          }),
        );
    },
    async close(): Promise<void> {
      clearInterval(probing);
      clearInterval(counting);
      for (const ending of endings) clearInterval(ending);
      await Promise.all([...runs.values(), ...probes].map((run) => run.stop()));
      await admin.close();
    },
  };
}
