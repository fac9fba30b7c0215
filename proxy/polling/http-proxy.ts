import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire, registerHooks } from "node:module";
import type httpProxy from "http-proxy";

/** Modules of Node that are replaced for the package. */
const own: ReadonlyMap<string, string> = new Map(
  ["util", "http"].map((name) => [name, new URL(`http-proxy-${name}.cjs`, import.meta.url).href]),
);

/**
 * Loads the `http-proxy` package with a `util` and an `http` of its own. It copies objects by `util._extend`, which
 * Node deprecates (DEP0060), and gives `http.request` options that say nothing. The hook is active only while the
 * package loads, and only for its files.
 */
function loadHttpProxy(): typeof httpProxy {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const url = context.parentURL?.includes("/node_modules/http-proxy/") === true ? own.get(specifier) : undefined;
      return url === undefined ? next(specifier, context) : { url, format: "commonjs", shortCircuit: true };
    },
  });
  try {
    return createRequire(import.meta.url)("http-proxy") as typeof httpProxy;
  } finally {
    hooks.deregister();
  }
}

export const { createProxyServer } = loadHttpProxy();

export type HttpProxyServer = ReturnType<typeof createProxyServer<IncomingMessage, ServerResponse>>;

/** `web` as http-proxy documents it, without options if there are none. Its types do not have this call. */
export function sendBy(
  server: HttpProxyServer,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: Error) => void,
): void {
  const web = server.web as unknown as (...args: unknown[]) => void;
  const { url = "" } = request;
  if (url.includes("//") || url.includes(":/")) web.call(server, request, response, { ssl: fixedPath(url) }, onError);
  else web.call(server, request, response, onError);
}

/**
 * Options for a request to exactly this target. http-proxy normalises a path (`//` to `/`), so the replica would get
 * another path than the screened one. http-proxy writes its own path onto this object in sloppy mode, where the write
 * is ignored.
 */
function fixedPath(target: string): object {
  return Object.defineProperty({}, "path", { value: target, enumerable: true, writable: false });
}
