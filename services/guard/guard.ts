import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";
import { AdminError, createHostCheck } from "../../common/admin-access.ts";
import type { Log } from "../../common/log.ts";

/** Longest silence of what is guarded before its request is given up, ms: over Prometheus' own query time-out. */
const silenceMs = 150_000;
/** For one connection alone (RFC 9110 7.6.1). */
const hopByHop = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];

/**
 * A listener in front of a server that takes requests from any web page, as Prometheus and Alertmanager do: a page in
 * the operator's browser could read alerts and make silences. What names a page of another origin is refused here;
 * a request without `Origin` passes, as curl and Prometheus itself send.
 */
export function createGuard(options: {
  host: string;
  port: number;
  upstream: URL;
  /** Names besides `localhost` and loopback that a `Host` may carry. */
  hostnames: readonly string[];
  /** Sent to what is guarded in place of what the client sent. */
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
    listen(): Promise<AddressInfo> {
      return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, () => resolve(server.address() as AddressInfo));
      });
    },
    /** Ends at once, connections included. */
    close(): Promise<void> {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/**
 * A browser says where a request comes from by `Origin` (Fetch standard), with every method but GET and HEAD at the
 * least, and newer ones by `Sec-Fetch-Site` too. The pages of what is guarded have the origin that `Host` names.
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

/** Host and port as `URL` writes them: lower case, without the default port. */
function hostIn({ host = "" }: IncomingMessage["headers"]): string {
  return URL.parse(`http://${host}`)?.host ?? "";
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${message}\n`);
}
