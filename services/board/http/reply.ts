import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { pageHeaders } from "./headers.ts";
import type { StaticFile } from "./static.ts";

/** Below this size compression costs more than it saves, bytes. */
const worthCompressing = 2_000;

const accepts = (request: IncomingMessage, coding: string) =>
  (request.headers["accept-encoding"] ?? "").toString().includes(coding);

/** Sends text, compressed if it is large enough and the browser accepts it. */
export function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
  headers: OutgoingHttpHeaders = {},
  status = 200,
): void {
  const body = Buffer.from(text);
  const gzip = body.length > worthCompressing && accepts(request, "gzip");
  response
    .writeHead(status, {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...pageHeaders,
      ...headers,
      ...(gzip ? { "content-encoding": "gzip" } : {}),
      vary: "accept-encoding",
    })
    .end(request.method === "HEAD" ? undefined : gzip ? gzipSync(body, { level: 3 }) : body);
}

/**
 * Sends a file of the page. Names under /assets/ contain a hash of the content, so the content of a name never changes.
 */
export function sendFile(request: IncomingMessage, response: ServerResponse, file: StaticFile, hashed: boolean): void {
  const coding = accepts(request, "br") ? "br" : accepts(request, "gzip") ? "gzip" : "plain";
  response
    .writeHead(200, {
      ...pageHeaders,
      "content-type": file.type,
      "content-length": file[coding].length,
      "cache-control": hashed ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      ...(coding === "plain" ? {} : { "content-encoding": coding }),
    })
    .end(request.method === "HEAD" ? undefined : file[coding]);
}
