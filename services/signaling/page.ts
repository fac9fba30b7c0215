import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import type { Log } from "../../common/log.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".map": "application/json",
};

/**
 * The page may load its own files, and blobs for its generated picture. It talks to its own origin, by `ws:` too (CSP
 * 3), and to the further addresses that it is given.
 */
function contentSecurityPolicy(urls: readonly string[]): string {
  const origins = urls.map((url) => new URL(url).origin);
  const connections = ["'self'", ...origins, ...origins.map((origin) => origin.replace("http", "ws"))];
  return [
    "default-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    `connect-src ${connections.join(" ")}`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
  ].join("; ");
}

/** The page finds its further addresses in this element. */
const urlsElement = (urls: readonly string[]) => `<meta name="signaling-urls" content="${urls.join(" ")}">`;

/** A file is read again after this time, ms. A thousand requests in the same moment read it once. */
const keepMs = 1_000;

/**
 * Serves the built call page from `dir`: `/` and `/assets/…`, GET and HEAD.
 *
 * @param urls further addresses of the stack (`PAGE_URLS`), which the page connects to when its own fails
 */
export function createPage(dir: string, urls: readonly string[], log: Log) {
  const root = resolve(dir);
  const index = join(root, "index.html");
  const policy = contentSecurityPolicy(urls);
  const kept = new Map<string, { body: Buffer; readAt: number }>();
  if (!existsSync(index)) log.warn({ dir }, "no call page here: build it with npm run build");

  /** Undefined: there is no such file. */
  async function read(path: string): Promise<Buffer | undefined> {
    const known = kept.get(path);
    if (known !== undefined && performance.now() - known.readAt < keepMs) return known.body;
    const bytes = path.startsWith(root + sep) ? await readFile(path).catch(nothingThere) : null;
    if (bytes === null) {
      kept.delete(path);
      return undefined;
    }
    const body = path === index && urls.length > 0 ? withUrls(bytes, urls) : bytes;
    kept.set(path, { body, readAt: performance.now() });
    return body;
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pathname = pathOf(request.url ?? "/");
    const isAsset = pathname?.startsWith("/assets/") === true;
    if (pathname === undefined || (pathname !== "/" && !isAsset)) return plain(response, 404, "not found");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD, OPTIONS");
      return request.method === "OPTIONS" ? void response.writeHead(204).end() : plain(response, 405, "GET or HEAD");
    }
    const path = pathname === "/" ? index : join(root, normalize(pathname));
    const body = await read(path);
    if (body === undefined)
      return plain(response, 404, isAsset ? "not found" : "the call page is not built: npm run build");
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "content-length": body.length,
      "cache-control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** The page with the addresses in its element. */
function withUrls(page: Buffer, urls: readonly string[]): Buffer {
  return Buffer.from(page.toString("utf8").replace(urlsElement([]), () => urlsElement(urls)));
}

/** The decoded path of a request target. Undefined: it is malformed, so nothing is there. */
function pathOf(target: string): string | undefined {
  const queryAt = target.indexOf("?");
  try {
    return decodeURIComponent(queryAt === -1 ? target : target.slice(0, queryAt));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The error codes of `readFile` for folders, missing files and impossible paths. */
const noSuchFile: ReadonlySet<string | undefined> = new Set([
  "EISDIR",
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "ERR_INVALID_ARG_VALUE",
]);

/** A missing file is an answer. Anything else is an error. */
function nothingThere(error: NodeJS.ErrnoException): null {
  if (noSuchFile.has(error.code)) return null;
  throw error;
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
