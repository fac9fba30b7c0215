import { createPathMatcher, hasBadEscape, isAmbiguousPath } from "./paths.ts";
import type { RequestHead } from "./request-head.ts";

/** A refused request. */
export interface Refusal {
  status: number;
  /** Label of `proxy_rejected_total`. */
  reason: string;
  message: string;
  /** Engine.IO's error code, where its clients are told. */
  code?: number;
  headers?: Readonly<Record<string, string>>;
}

/** An accepted request, parsed. */
export interface Screened {
  path: string;
  /** The unchanged text after `?`. */
  query: string;
  /** True on an Engine.IO path. */
  engine: boolean;
}

const bodiless = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);
/** Headers that must come once at most: two of them are read differently by different servers. */
const singular = ["host", "content-length", "transfer-encoding", "upgrade", "sec-websocket-key"];
/** Header lines of a request. Browsers and the proxies in front of this one send up to fifty. */
export const maxHeaderLines = 100;
const singularLengths = singular.map(({ length }) => length);

const bad = (reason: string, message: string): Refusal => ({ status: 400, reason, message });

/**
 * The first check: a request that is not clearly for a proxied path is refused before any part of it reaches a replica.
 * Node's parser has already refused CL with TE, bad lengths, obs-fold and stray control characters.
 */
export function createScreen(options: {
  paths: readonly string[];
  enginePaths: readonly string[];
  maxBodyBytes: number;
}) {
  const kindOf = createPathMatcher(options.paths, options.enginePaths);

  return (request: RequestHead): Refusal | Screened => {
    const url = request.url ?? "";
    const method = request.method ?? "";
    if (request.httpVersionMajor !== 1) return bad("version", "HTTP/1.1 or HTTP/1.0 only");
    if (!url.startsWith("/")) return bad("target-form", "the request target must be a path");
    const queryAt = url.indexOf("?");
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    if (url.includes("#") || isAmbiguousPath(path)) return bad("ambiguous-path", "the path can be read in two ways");
    if (hasBadEscape(path)) return bad("path-encoding", "the path has a % without two hex digits");
    if (request.rawHeaders.length > 2 * maxHeaderLines)
      return { status: 431, reason: "head-too-large", message: `a head may have ${maxHeaderLines} headers` };
    const repeated = repeatedHeader(request.rawHeaders);
    if (repeated !== undefined) return bad("repeated-header", `${repeated} must come once`);
    const framing = framingProblem(request, method);
    if (framing !== undefined) return framing;
    if (Number(request.headers["content-length"] ?? 0) > options.maxBodyBytes)
      return { status: 413, reason: "body-too-large", message: `the body is over ${options.maxBodyBytes} bytes` };

    const kind = kindOf(path);
    if (method === "TRACE" || (kind === "safe" && !safeMethods.has(method))) return methodNotAllowed;
    if (kind === undefined) return { status: 404, reason: "path", message: "no such path" };
    return { path, query: queryAt === -1 ? "" : url.slice(queryAt + 1), engine: kind === "engine" };
  };
}

export const methodNotAllowed: Refusal = {
  status: 405,
  reason: "method",
  message: "method not allowed",
  headers: { allow: "GET, HEAD, OPTIONS" },
};

/** Further checks of an upgrade: it must be a WebSocket handshake (RFC 6455, 4.1) and nothing else. */
export function screenUpgrade(request: RequestHead): Refusal | undefined {
  const { headers } = request;
  if (request.method !== "GET" || request.httpVersion !== "1.1" || headers.upgrade?.toLowerCase() !== "websocket")
    return bad("upgrade", "only WebSocket upgrades by GET and HTTP/1.1");
  if (!/^0*$/.test(headers["content-length"] ?? "") || headers["transfer-encoding"] !== undefined)
    return bad("upgrade-body", "an upgrade has no body");
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? ""))
    return bad("upgrade", "sec-websocket-key is missing or malformed");
  return undefined;
}

function framingProblem({ headers, httpVersion }: RequestHead, method: string): Refusal | undefined {
  const encoding = headers["transfer-encoding"];
  if (encoding === undefined) return undefined;
  if (headers["content-length"] !== undefined) return bad("smuggling", "content-length and transfer-encoding");
  if (encoding.toLowerCase() !== "chunked") return bad("smuggling", "transfer-encoding must be chunked alone");
  if (httpVersion !== "1.1") return bad("smuggling", "transfer-encoding needs HTTP/1.1");
  if (bodiless.has(method)) return bad("smuggling", `${method} takes no chunked body`);
  return undefined;
}

function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  // A bit for each of `singular`.
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const rawName = rawHeaders[i] as string;
    if (!singularLengths.includes(rawName.length)) continue;
    const bit = 1 << singular.indexOf(rawName.toLowerCase());
    if (bit < 0) continue;
    if ((seen & bit) !== 0) return rawName.toLowerCase();
    seen |= bit;
  }
  return undefined;
}
