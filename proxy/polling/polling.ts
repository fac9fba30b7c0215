import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { HandlerDeps } from "../handler-deps.ts";
import { HttpConnection } from "../listen/http-connection.ts";
import { reply, replyOf, tooMuchPending, unknownSession } from "../listen/replies.ts";
import type { Outcome } from "../routing/attempts.ts";
import type { Replica } from "../routing/replica-table.ts";
import { readConnection } from "../screen/connection-header.ts";
import type { Passed } from "../screen/gate.ts";
import { toldOf } from "../screen/gate.ts";
import { requestHeaders } from "../screen/headers.ts";
import { createForwarder } from "./forwarder.ts";

const retriable = new Set(["GET", "HEAD", "OPTIONS"]);
/** Methods whose requests need no `Content-Length` if they have no body. */
const withoutLength = new Set([...retriable, "DELETE"]);

/** Serves plain requests: long-polling and the page. */
export function createPolling({
  config,
  gate,
  tryInTurn,
  sessions,
  metrics,
  pending,
  log,
  closing,
  tuning,
}: HandlerDeps) {
  const forwarder = createForwarder({
    timeoutMs: config.PROXY_TIMEOUT_MS,
    maxBodyBytes: config.MAX_BODY_BYTES,
    replicaHeader: config.REPLICA_HEADER,
    onLostSession,
    closing,
    shortRequests: tuning.shortRequests,
  });

  let toldOfLost = false;
  function onLostSession(): void {
    metrics.unknownSessions.inc();
    if (toldOfLost) return;
    toldOfLost = true;
    log.warn(
      "a polling session is at another replica than its request: its sid names no replica, and its client brought no cookie or another one. " +
        "Let the application make its sids <replica id>.<random>, or let clients keep cookies (withCredentials), or set STICKY_KEY=ip",
    );
  }

  /** Requests with a malformed body. */
  const broken = new WeakSet<IncomingMessage>();

  /**
   * A request with a chunked body waits one turn of the event loop: a malformed chunk in the same read stops it here.
   */
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const passed = gate(request, { upgrade: false });
    if ("status" in passed) {
      metrics.rejected.inc(passed.reason);
      log.debug({ reason: passed.reason, status: passed.status }, "request refused");
      reply(request, response, replyOf(passed), true);
      return;
    }
    const { headers, method = "" } = request;
    const served = HttpConnection.of(request.socket);
    const bodiless = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
    const connection = readConnection(headers.connection);
    if (headers["transfer-encoding"] !== undefined) {
      await setImmediate();
      if (broken.has(request)) return;
    }
    const body = bodiless
      ? undefined
      : pending.beginBody(passed.client.chain[0] as string, Number(headers["content-length"] ?? 0));
    if (!bodiless && body === undefined) {
      metrics.rejected.inc("pending");
      reply(request, response, tooMuchPending, true);
      return;
    }
    const toReplica = requestHeaders(request.rawHeaders, connection.listed, passed.client);
    if (bodiless && !withoutLength.has(method)) toReplica.push("Content-Length", "0");

    let replicaId = "none";
    const attempt = (replica: Replica, tryMs: number, release: () => void) => {
      replicaId = replica.spec.id;
      // Another replica can open the session. Any other answer may take its time.
      const timeoutMs = passed.opensSession && bodiless ? tryMs : undefined;
      return forwarder.forward(replica, timeoutMs, {
        request,
        response,
        headers: toReplica,
        passed,
        wantsClose: connection.close || served?.keptAlive.isOneTooMany === true,
        body,
        release,
      });
    };
    const { outcome, retries } = await tryInTurn(passed, {
      startedAt,
      attempt,
      clientGone: bodiless ? () => response.closed : () => response.closed || broken.has(request),
      patient: !passed.opensSession,
      // A session exists on one replica only, even if its sid does not name it.
      retriable: bodiless && passed.sid === undefined && retriable.has(method),
    });
    const endedAt = performance.now();
    body?.end();
    served?.forget();
    if (passed.sid !== undefined && outcome.kind === "answered" && response.statusCode === 200)
      sessions.polled(passed.sid, replicaId, endedAt);
    if (outcome.kind === "failed") {
      if (outcome.reply === tooMuchPending) metrics.rejected.inc("pending");
      if (outcome.reply === unknownSession) metrics.unknownSessions.inc();
      if (response.headersSent) response.destroy();
      else {
        replicaId = "none";
        reply(request, response, outcome.reply, !bodiless);
      }
    }
    const durationMs = endedAt - startedAt;
    account(passed, outcome, { method, replica: replicaId, status: response.statusCode, retries, durationMs });
  }

  function account(
    passed: Passed,
    outcome: Outcome,
    seen: { method: string; replica: string; status: number; retries: number; durationMs: number },
  ): void {
    const { method, replica, status, retries, durationMs } = seen;
    metrics.requests.inc(replica, outcome.kind === "gone" ? 499 : status);
    metrics.requestSeconds.observe(replica, durationMs / 1_000);
    const level = passed.sid !== undefined && outcome.kind !== "failed" ? "debug" : "info";
    if (!log.isLevelEnabled(level)) return;
    log[level](
      { ...toldOf(passed), method, replica, status, retries, durationMs: Math.round(durationMs) },
      outcome.kind === "gone" ? "client left" : "request",
    );
  }

  return {
    serve(request: IncomingMessage, response: ServerResponse): void {
      serve(request, response).catch((err: unknown) => {
        log.error({ err }, "a request failed in the proxy itself");
        response.destroy();
      });
    },
    malformed(request: IncomingMessage): void {
      broken.add(request);
      forwarder.abandon(request, { kind: "gone" });
    },
    close: forwarder.close,
  };
}
