import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire, registerHooks } from "node:module";
import type httpProxy from "http-proxy";
import { shortRequestsFile } from "../tuning/short-requests.ts";

const util = new URL("http-proxy-util.cjs", import.meta.url).href;

/**
 * Loads the `http-proxy` package with a `util` of its own. The package copies objects by `util._extend`, which Node
 * deprecates (DEP0060). The hook is there while the package loads, and for its files alone.
 *
 * @param shortRequests whether the package also gets the `http` of `tuning/short-requests.cjs`
 */
export function loadHttpProxy({ shortRequests }: { shortRequests: boolean }): typeof httpProxy {
  const own = new Map([["util", util], ...(shortRequests ? [["http", shortRequestsFile] as const] : [])]);
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const url = context.parentURL?.includes("/node_modules/http-proxy/") === true ? own.get(specifier) : undefined;
      return url === undefined ? next(specifier, context) : { url, format: "commonjs", shortCircuit: true };
    },
  });
  const require = createRequire(import.meta.url);
  // An earlier call may have loaded the package in the other way.
  for (const file of Object.keys(require.cache))
    if (file.includes("/node_modules/http-proxy/")) delete require.cache[file];
  try {
    return require("http-proxy") as typeof httpProxy;
  } finally {
    hooks.deregister();
  }
}

export type HttpProxyServer = httpProxy<IncomingMessage, ServerResponse>;

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
