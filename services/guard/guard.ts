import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { AdminError, createHostCheck } from "../../common/admin-access.ts";
import { closeAtOnce, listenOn } from "../../common/http/listening.ts";
import type { Log } from "../../common/log.ts";

/** Time-out of a silent guarded server, ms. It exceeds Prometheus' query time-out. */
const silenceMs = 150_000;
/** Hop-by-hop headers (RFC 9110 7.6.1). */
const hopByHop = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];

/**
 * A listener in front of a server that accepts requests from any web page, like Prometheus and Alertmanager. Without it
 * a page in the operator's browser could read alerts and make silences. The guard refuses a request from a page of
 * another origin. A request without `Origin` passes; curl and Prometheus itself send none.
 */
export function createGuard(options: {
  host: string;
  port: number;
  upstream: URL;
  /** Allowed names in `Host`, besides `localhost` and loopback. */
  hostnames: readonly string[];
  /** Password that the guard sends to the guarded server in place of the client's credentials. */
  password?: string | undefined;
  log: Log;
}) {
  const { upstream, password, log } = options;
  const checkHost = createHostCheck(options.hostnames);
  const authorization =
    password === undefined ? {} : { authorization: `Basic ${Buffer.from(`guard:${password}`).toString("base64")}` };

  const server = createServer((request, response) => {
    try {
      checkHost(request);
      checkOrigin(request);
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      log.warn({ host: request.headers.host, origin: request.headers.origin, method: request.method }, error.message);
      refuse(response, error.status, error.message);
      request.resume();
      return;
    }
    const { connection = "" } = request.headers;
    const dropped = new Set([...hopByHop, ...connection.toLowerCase().split(/[ \t]*,[ \t]*/)]);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !dropped.has(name)));
    const sent = forward(
      {
        host: upstream.hostname,
        port: upstream.port,
        method: request.method,
        path: request.url,
        headers: { ...headers, ...authorization, host: upstream.host },
        timeout: silenceMs,
      },
      (answer) => {
        const kept = Object.entries(answer.headers).filter(([name]) => !hopByHop.includes(name));
        response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
        pipeline(answer, response, (error) => {
          if (error) log.debug({ err: error }, "an answer was cut short");
        });
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no byte for ${silenceMs / 1000} s`)));
    sent.on("error", (error) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `${upstream.host} cannot be reached: ${error.message}`);
    });
    response.on("close", () => sent.destroy());
    pipeline(request, sent, (error) => {
      if (error) log.debug({ err: error }, "a request was cut short");
    });
  });

  return {
    /** Resolves with the bound address; rejects with the system's error (EADDRINUSE …). */
    listen: () => listenOn(server, { port: options.port, host: options.host }),
    /** Closes the listener and all connections at once. */
    close: () => closeAtOnce(server),
  };
}

/**
 * A browser names the page of a request in `Origin` (Fetch standard), at least for every method but GET and HEAD. Newer
 * browsers also send `Sec-Fetch-Site`. The guarded server's own pages have the origin that `Host` names.
 *
 * @throws AdminError 403 for another origin, `null` included
 */
function checkOrigin({ headers, headersDistinct, method }: IncomingMessage): void {
  const origins = headersDistinct["origin"] ?? [];
  const own = origins.every((origin) => /^https?:\/\//.test(origin) && URL.parse(origin)?.host === hostIn(headers));
  if (!own) throw new AdminError(403, `not for pages of another origin: ${origins.join(", ")}`);
  const site = headers["sec-fetch-site"];
  if (method !== "GET" && method !== "HEAD" && (site === "cross-site" || site === "same-site"))
    throw new AdminError(403, `not for pages of another origin: Sec-Fetch-Site ${site}`);
}

/** Host and port in the form of `URL`: lower case, without the default port. */
function hostIn({ host = "" }: IncomingMessage["headers"]): string {
  return URL.parse(`http://${host}`)?.host ?? "";
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${message}\n`);
}
