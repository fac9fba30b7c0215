import { createRequire } from "node:module";
import util from "node:util";
import type httpProxy from "http-proxy";

/**
 * The `http-proxy` package, loaded so that it uses `Object.assign` where it would use `util._extend`: the same thing
 * for plain objects, faster, and without the deprecation warning DEP0060 at every start.
 */
(util as { _extend?: unknown })._extend = Object.assign;

const load = createRequire(import.meta.url);
export const { createProxyServer } = load("http-proxy") as typeof httpProxy;
