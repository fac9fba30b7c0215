import { get, type IncomingMessage } from "node:http";
import type { Observation } from "./health.ts";
import type { StallClock } from "./stall-clock.ts";

/** Longest answer of `/readyz` that is read, bytes. */
const bodyLimit = 16_384;

/**
 * Asks a replica once whether it is ready. Never rejects.
 *
 * The JSON `state` decides; a 2xx without our JSON is `ready`; whatever else is a failure. `timeoutMs` is measured on
 * `clock`: time in which the proxy itself stood still does not count.
 */
export function probe(readyUrl: URL, timeoutMs: number, clock: StallClock): Promise<Observation> {
  return new Promise((resolve) => {
    const startedAt = clock.now();
    let timer: NodeJS.Timeout;
    const request = get(readyUrl, { agent: false }, (response) => {
      readBody(response).then(
        (body) => done(judge(response.statusCode ?? 0, body)),
        (error: unknown) => done(failure(error)),
      );
    });
    request.on("error", (error) => done(failure(error)));
    check();

    function check(): void {
      const leftMs = timeoutMs - (clock.now() - startedAt);
      if (leftMs < 1) done({ kind: "failed", cause: "timeout" });
      else timer = setTimeout(check, leftMs);
    }
    function done(observation: Observation): void {
      clearTimeout(timer);
      request.destroy();
      resolve(observation);
    }
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length > bodyLimit) break;
  }
  return text;
}

function judge(status: number, body: string): Observation {
  const state = stateIn(body);
  if (state === "draining") return { kind: "draining" };
  if (status < 200 || status > 299 || state === "starting") return { kind: "failed", cause: "status" };
  return { kind: state === "degraded" ? "degraded" : "ready" };
}

function stateIn(body: string): unknown {
  try {
    return (JSON.parse(body) as { state?: unknown } | null)?.state;
  } catch {
    return undefined;
  }
}

function failure(error: unknown): Observation {
  const { code } = error as NodeJS.ErrnoException;
  return { kind: "failed", cause: code === "ECONNREFUSED" ? "refused" : code === "ECONNRESET" ? "reset" : "error" };
}
