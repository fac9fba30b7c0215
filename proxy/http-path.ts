import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Stream } from "node:stream";
import { Ejected, failedTry, type Outcome, TryTimeout } from "./attempts.ts";
import type { Passed } from "./gate.ts";
import { cleanAnswer, requestHeaders } from "./headers.ts";
import { createProxyServer } from "./http-proxy.ts";
import type { PathDeps } from "./path-deps.ts";
import type { Carried, Replica } from "./replica-table.ts";
import { reply, replyOf, unknownSession } from "./replies.ts";
import { told } from "./upgrade-path.ts";

/** Idle connections to a replica are kept for so long, ms: less than the 5 s after which Node's servers close them. */
const idleUpstreamMs = 4_000;
/** Stands in for a request without a body: nothing needs to be piped. */
const noBody = { pipe: (to: ClientRequest) => to.end() } as unknown as Stream;
const retriable = new Set(["GET", "HEAD", "OPTIONS"]);

/** A request that is with a replica. */
interface Exchange {
  passed: Passed;
  wantsClose: boolean;
  upstream?: ClientRequest;
  /** Set once this try is over: what comes later is dropped. */
  over: boolean;
  /** Ends the try with this error. */
  fail(error: Error): void;
  onHead(): void;
}

/** The HTTP path: long-polling and the page, on `http-proxy` with kept-alive connections to the replicas. */
export function createHttpPath({ config, gate, tryInTurn, sessions, metrics, log, closing }: PathDeps) {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024, scheduling: "lifo", timeout: idleUpstreamMs });
  const forwarder = createProxyServer({
    ...{ agent, prependPath: false, toProxy: true, xfwd: false, proxyTimeout: config.PROXY_TIMEOUT_MS },
  });
  const exchanges = new WeakMap<IncomingMessage, Exchange>();

  forwarder.on("proxyReq", (upstream, request) => {
    const exchange = exchanges.get(request);
    if (exchange === undefined || exchange.over) upstream.destroy();
    else exchange.upstream = upstream;
  });
  forwarder.on("proxyRes", (answer, request) => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    exchange.onHead();
    answer.once("error", (error) => exchange.fail(error));
    cleanAnswer(answer.headers);
    const { setCookie } = exchange.passed;
    if (setCookie !== undefined) answer.headers["set-cookie"] = [...(answer.headers["set-cookie"] ?? []), setCookie];
    if (exchange.wantsClose || closing()) answer.headers.connection = "close";
  });
  forwarder.on("econnreset", (_error, request) => exchanges.get(request as IncomingMessage)?.fail(new Error("gone")));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const passed = gate(request, { upgrade: false });
    if ("status" in passed) {
      metrics.rejected.inc({ reason: passed.reason });
      log.debug({ reason: passed.reason, status: passed.status }, "request refused");
      reply(request, response, replyOf(passed), true);
      return;
    }
    if (passed.sid !== undefined && passed.route.kind === "session") sessions.polled(passed.sid);
    const bodiless =
      request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined;
    const wantsClose = /\bclose\b/i.test(request.headers.connection ?? "");
    request.headers = requestHeaders(request.headers, passed.client) as typeof request.headers;

    let replicaId = "none";
    const attempt = (replica: Replica, timeoutMs: number) => {
      replicaId = replica.spec.id;
      const timed = passed.route.kind === "ranked" && bodiless ? timeoutMs : undefined;
      return tryReplica(replica, timed, { request, response, passed, wantsClose, bodiless });
    };
    const gone = () => response.closed;
    const mayRetry = bodiless && retriable.has(request.method ?? "");
    const { outcome, retries } = await tryInTurn(passed, gone, attempt, mayRetry);
    if (outcome.kind === "failed") {
      replicaId = "none";
      if (outcome.reply === unknownSession) metrics.unknownSessions.inc();
      else if (outcome.reply.status === 503) metrics.rejected.inc({ reason: "admission" });
      if (response.headersSent) response.destroy();
      else reply(request, response, outcome.reply, !bodiless);
    }
    const durationMs = performance.now() - startedAt;
    metrics.requests.inc({ replica: replicaId, code: outcome.kind === "gone" ? 499 : response.statusCode });
    metrics.requestSeconds.observe({ replica: replicaId }, durationMs / 1_000);
    const level = passed.sid !== undefined && outcome.kind !== "failed" ? "debug" : "info";
    if (log.isLevelEnabled(level))
      log[level](
        {
          ...told(passed),
          ...{ method: request.method, replica: replicaId, status: response.statusCode, retries },
          durationMs: Math.round(durationMs),
        },
        outcome.kind === "gone" ? "client left" : "request",
      );
  }

  /** Resolves when the answer is through, or with what went wrong. */
  function tryReplica(
    replica: Replica,
    timeoutMs: number | undefined,
    asked: {
      request: IncomingMessage;
      response: ServerResponse;
      passed: Passed;
      wantsClose: boolean;
      bodiless: boolean;
    },
  ): Promise<Outcome> {
    const { request, response, passed, wantsClose, bodiless } = asked;
    return new Promise((resolve) => {
      const finish = (outcome: Outcome) => {
        if (exchange.over) return;
        exchange.over = true;
        clearTimeout(timer);
        response.off("close", onClose);
        replica.inFlight.delete(carried);
        resolve(outcome);
      };
      const exchange: Exchange = {
        ...{ passed, wantsClose, over: false },
        fail(error) {
          finish(response.closed ? { kind: "gone" } : failedTry(error, passed));
          exchange.upstream?.destroy();
        },
        onHead: () => clearTimeout(timer),
      };
      const carried: Carried = { sid: passed.sid, eject: () => exchange.fail(new Ejected()) };
      const onClose = () => {
        finish({ kind: response.writableFinished ? "answered" : "gone" });
        if (!response.writableFinished) exchange.upstream?.destroy();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => exchange.fail(new TryTimeout()), timeoutMs);
      replica.inFlight.add(carried);
      exchanges.set(request, exchange);
      response.on("close", onClose);
      const { host, port } = replica.spec;
      const target = { host, port: String(port), protocol: "http:" };
      forwarder.web(request, response, bodiless ? { target, buffer: noBody } : { target }, (error) =>
        exchange.fail(error),
      );
    });
  }

  return { serve, close: () => agent.destroy() };
}
