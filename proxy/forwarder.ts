import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Stream } from "node:stream";
import { failedTry, type Outcome } from "./attempts.ts";
import type { Passed } from "./gate.ts";
import { cleanAnswer } from "./headers.ts";
import { createProxyServer } from "./http-proxy.ts";
import type { Carried, Replica } from "./replica-table.ts";
import { bodyTooLarge } from "./replies.ts";
import { Ejected, TryTimeout } from "./try-errors.ts";

/** Idle connections to a replica are kept for so long, ms: less than the 5 s after which Node's servers close them. */
const idleUpstreamMs = 4_000;
/** Stands in for a request without a body: nothing needs to be piped. */
const noBody = { pipe: (to: ClientRequest) => to.end() } as unknown as Stream;

/** A request on its way: everything a try needs to know. */
export interface Forwarded {
  request: IncomingMessage;
  response: ServerResponse;
  passed: Passed;
  bodiless: boolean;
  /** The client closes its connection after the answer. */
  wantsClose: boolean;
}

/** One try at one replica. */
interface Exchange extends Forwarded {
  upstream?: ClientRequest;
  /** Set once this try is over: what comes later is dropped. */
  over: boolean;
  end(outcome: Outcome): void;
  onHead(): void;
}

/** Forwards requests with the `http-proxy` package over kept-alive connections, streaming both ways. */
export function createForwarder(options: { timeoutMs: number; maxBodyBytes: number; closing(): boolean }) {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1_024, scheduling: "lifo", timeout: idleUpstreamMs });
  const forwarder = createProxyServer({
    ...{ agent, prependPath: false, toProxy: true, xfwd: false, proxyTimeout: options.timeoutMs },
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
    answer.once("error", (error) => exchange.end(failedTry(error, exchange.passed)));
    cleanAnswer(answer.headers);
    const { setCookie } = exchange.passed;
    if (setCookie !== undefined) answer.headers["set-cookie"] = [...(answer.headers["set-cookie"] ?? []), setCookie];
    if (exchange.wantsClose || options.closing()) answer.headers.connection = "close";
  });
  forwarder.on("econnreset", (_error, request) => abandon(request as IncomingMessage, { kind: "gone" }));

  /** Ends the try that this request is in, if any, in this way. */
  function abandon(request: IncomingMessage, outcome: Outcome): void {
    exchanges.get(request)?.end(outcome);
  }

  /**
   * One try. Resolves when the answer is through, or with what went wrong.
   *
   * @param timeoutMs to the head of the answer; undefined: only `timeoutMs` of silence, for what can be held long
   */
  function forward(replica: Replica, timeoutMs: number | undefined, forwarded: Forwarded): Promise<Outcome> {
    const { request, response, passed, bodiless } = forwarded;
    return new Promise((resolve) => {
      const fail = (error: Error) => exchange.end(response.closed ? { kind: "gone" } : failedTry(error, passed));
      const exchange: Exchange = {
        ...forwarded,
        over: false,
        end(outcome) {
          if (exchange.over) return;
          exchange.over = true;
          clearTimeout(timer);
          response.off("close", onClose);
          replica.inFlight.delete(carried);
          if (outcome.kind !== "answered") exchange.upstream?.destroy();
          resolve(outcome);
        },
        onHead: () => clearTimeout(timer),
      };
      const onClose = () => exchange.end({ kind: response.writableFinished ? "answered" : "gone" });
      const carried: Carried = { sid: passed.sid, eject: () => fail(new Ejected()) };
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => fail(new TryTimeout()), timeoutMs);
      replica.inFlight.add(carried);
      exchanges.set(request, exchange);
      response.on("close", onClose);
      if (!bodiless)
        limitBody(request, options.maxBodyBytes, () => exchange.end({ kind: "failed", reply: bodyTooLarge }));
      const { host, port } = replica.spec;
      const target = { host, port: String(port), protocol: "http:" };
      forwarder.web(request, response, bodiless ? { target, buffer: noBody } : { target }, fail);
    });
  }

  return { forward, abandon, close: () => agent.destroy() };
}

/** Calls `onExceeded` once more than `limit` bytes of body have come (a chunked body announces no length). */
function limitBody(request: IncomingMessage, limit: number, onExceeded: () => void): void {
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) onExceeded();
  });
}
