import { setGlobalProxyFromEnv } from "node:http";

/** Names of the services of a stack, on both engines. */
const stackHosts = [
  ...["localhost", "127.0.0.1", "::1", ".admin", "proxy", "proxy-2", "balancer", "caller", "board", "redis"],
  ...["prometheus", "alertmanager", "grafana", ...Array.from({ length: 9 }, (_, n) => `signaling-${n + 1}`)],
];

/**
 * Keeps requests to services of the stack away from a company's proxy. With `NODE_USE_ENV_PROXY`, Node sends all HTTP
 * through `HTTP_PROXY`, loopback included. Other requests (a key set for tokens) still use it.
 */
export function reachStackDirectly(env: Readonly<Record<string, string | undefined>>): void {
  if (!env["NODE_USE_ENV_PROXY"] && !env["NODE_OPTIONS"]?.includes("--use-env-proxy")) return;
  const noProxy = [env["NO_PROXY"] ?? env["no_proxy"], ...stackHosts].filter(Boolean).join(",");
  setGlobalProxyFromEnv({ ...env, NO_PROXY: noProxy, no_proxy: noProxy });
}
