import type { Socket } from "node:net";
import { escapeLine } from "../../common/printable.ts";
import { connectOwned, type SocketOwner } from "../listen/owned-socket.ts";
import { bodyFraming, readAnswerHead } from "../upgrade/answer-head.ts";

import type { Observation } from "./health.ts";

/** Longest answer of `/readyz` that is read, bytes. */
const answerLimit = 16_384;
/** Interval at which a waiting probe checks its time, ms. */
const lookEveryMs = 50;
/** Lateness that is ordinary timer jitter, ms. */
const jitterMs = 15;

/**
 * Probes a replica's readiness once. Never rejects.
 *
 * The JSON `state` decides. A 2xx without a replica's JSON is `ready`. Anything else is a failure, also another replica
 * at this address, since an address may be given to another replica. `timeoutMs` counts only the time in which the
 * event loop ran: a proxy that was stopped or swapped out does not blame the replica.
 *
 * @param at the replica, and the address that its name stands for
 */
export function probe(
  readyUrl: URL,
  timeoutMs: number,
  { id, readyHost }: { id?: string; readyHost: string },
): Promise<Observation> {
  return new Promise((resolve) => {
    const target = { host: readyHost, port: Number(readyUrl.port || 80) };
    new Probing(timeoutMs, id, resolve).ask(target, requestFor(readyUrl));
  });
}

/** HTTP/1.0 (RFC 9112 section 6.1): the answer is not chunked. */
const requestFor = ({ host, pathname, search }: URL) =>
  `GET ${pathname}${search} HTTP/1.0\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

class Probing implements SocketOwner {
  #socket: Socket | undefined;
  readonly #id: string | undefined;
  readonly #done: (observation: Observation) => void;
  #answer = "";
  #leftMs: number;
  #lookedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, id: string | undefined, done: (observation: Observation) => void) {
    this.#leftMs = timeoutMs;
    this.#id = id;
    this.#done = done;
    this.#wait();
  }

  ask(target: { host: string; port: number }, request: string): void {
    const socket = connectOwned(target, this);
    this.#socket = socket;
    socket.once("connect", () => socket.write(request, "latin1"));
  }
  received(size: number, buffer: Uint8Array): boolean {
    this.#answer += (buffer as Buffer).toString("latin1", 0, size);
    this.#judge(this.#answer.length > answerLimit);
    return true;
  }
  drained(): void {
    // The request is all that is written.
  }
  ended(): void {
    this.#judge(true);
  }
  failed(error: NodeJS.ErrnoException): void {
    const cause = ({ ECONNREFUSED: "refused", ECONNRESET: "reset" } as const)[error.code ?? ""] ?? "error";
    this.#settle({ kind: "failed", cause, detail: error.message || cause });
  }
  closed(): void {
    this.#settle({ kind: "failed", cause: "error", detail: "it closed the connection without an answer" });
  }

  /** @param whole nothing more is awaited */
  #judge(whole: boolean): void {
    try {
      const head = readAnswerHead(this.#answer);
      if (head !== undefined && (whole || head.rest.length >= bodyFraming(head).length))
        this.#settle(judge(head.status, head.rest, this.#id));
      else if (whole) this.closed();
    } catch (error) {
      this.failed(error as Error);
    }
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#look(), Math.min(lookEveryMs, this.#leftMs));
  }
  /**
   * A wait that took far longer than planned counts only with the planned time, because the proxy itself stood still.
   */
  #look(): void {
    const now = performance.now();
    this.#leftMs -= Math.min(now - this.#lookedAt, lookEveryMs + jitterMs);
    this.#lookedAt = now;
    if (this.#leftMs < 1) this.#settle({ kind: "failed", cause: "timeout", detail: "it did not answer in time" });
    else this.#wait();
  }

  /** The first finding counts. */
  #settle(observation: Observation): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#done(observation);
  }
}

function judge(status: number, body: string, id: string | undefined): Observation {
  const { state, node } = wordsIn(body);
  if (id !== undefined && isOurs(state) && typeof node === "string" && node !== id)
    return {
      kind: "failed",
      cause: "error",
      detail: `another replica answers there: ${escapeLine(node.slice(0, 64))}`,
    };
  if (state === "draining") return { kind: "draining" };
  if (state === "starting") return { kind: "failed", cause: "status", detail: "it is starting" };
  if (status < 200 || status > 299) return { kind: "failed", cause: "status", detail: `it answered ${status}` };
  return { kind: state === "degraded" ? "degraded" : "ready" };
}

function isOurs(state: unknown): boolean {
  return state === "ready" || state === "degraded" || state === "draining" || state === "starting";
}

function wordsIn(body: string): { state?: unknown; node?: unknown } {
  try {
    return (JSON.parse(body) as { state?: unknown; node?: unknown } | null) ?? {};
  } catch {
    return {};
  }
}
