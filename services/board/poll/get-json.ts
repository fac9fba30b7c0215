import { Agent, get, type OutgoingHttpHeaders } from "node:http";

/** Size limit of an answer, bytes. */
const answerLimit = 8_000_000;

/** Connections are kept alive, so that a poll each quarter of a second does not cost a handshake. */
const agent = new Agent({ keepAlive: true, maxSockets: 8, timeout: 30_000 });

/** Why there is no answer: `refused` means that no process listens, `silent` that the connection got no answer. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
  override readonly cause: "refused" | "silent" | "status" | "malformed";
  constructor(url: string, cause: NoAnswer["cause"], detail: string) {
    super(`GET ${url}: ${detail}`);
    this.cause = cause;
  }
}

/**
 * GETs JSON from an admin endpoint or Prometheus. If the server closes a kept connection while a request is sent, the
 * request is tried once more on a new connection (https://nodejs.org/api/http.html#requestreusedsocket).
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
