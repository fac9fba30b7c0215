import { Agent, get, type OutgoingHttpHeaders } from "node:http";

/** Largest answer that is read, bytes. */
const answerLimit = 8_000_000;

/** Connections are kept: a look each quarter of a second must not cost a handshake each. */
const agent = new Agent({ keepAlive: true, maxSockets: 8, timeout: 30_000 });

/** Why there is no answer: `refused` means that nobody listens there, `silent` that somebody may, and says nothing. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
  override readonly cause: "refused" | "silent" | "status" | "malformed";
  constructor(url: string, cause: NoAnswer["cause"], detail: string) {
    super(`GET ${url}: ${detail}`);
    this.cause = cause;
  }
}

/**
 * GETs JSON from an admin endpoint or Prometheus. A connection that the server closed while the request was on its
 * way is tried once more on a fresh one (https://nodejs.org/api/http.html#requestreusedsocket).
 *
 * @throws NoAnswer
 */
export async function getJson<T>(url: string, timeoutMs = 1_000, headers: OutgoingHttpHeaders = {}): Promise<T> {
  try {
    return await ask<T>(url, timeoutMs, headers);
  } catch (error) {
    if (error instanceof StaleConnection) return ask<T>(url, timeoutMs, headers);
    throw error;
  }
}

class StaleConnection extends Error {}

function ask<T>(url: string, timeoutMs: number, headers: OutgoingHttpHeaders): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerLimit) request.destroy(new Error(`over ${answerLimit} bytes`));
        chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode !== 200)
          return reject(new NoAnswer(url, "status", `${response.statusCode} ${text.slice(0, 200).trim()}`));
        try {
          resolve(JSON.parse(text) as T);
        } catch (error) {
          reject(new NoAnswer(url, "malformed", (error as Error).message));
        }
      });
    });
    function fail(error: NodeJS.ErrnoException): void {
      const silent = error.name === "AbortError" || error.name === "TimeoutError";
      if (request.reusedSocket && error.code === "ECONNRESET") reject(new StaleConnection(error.message));
      else
        reject(new NoAnswer(url, silent ? "silent" : "refused", silent ? `silent for ${timeoutMs} ms` : error.message));
    }
    request.on("error", fail);
  });
}
