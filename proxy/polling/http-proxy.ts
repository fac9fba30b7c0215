import { createRequire, registerHooks } from "node:module";
import type httpProxy from "http-proxy";

/**
 * Loads the `http-proxy` package with a `util` of its own (http-proxy-util.cjs). It copies objects by `util._extend`,
 * which Node deprecates (DEP0060). The hook is there while the package loads, and for its files alone.
 */
function loadHttpProxy(): typeof httpProxy {
  const util = new URL("http-proxy-util.cjs", import.meta.url).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "util" && context.parentURL?.includes("/node_modules/http-proxy/") === true
        ? { url: util, format: "commonjs", shortCircuit: true }
        : next(specifier, context),
  });
  try {
    return createRequire(import.meta.url)("http-proxy") as typeof httpProxy;
  } finally {
    hooks.deregister();
  }
}

export const { createProxyServer } = loadHttpProxy();
