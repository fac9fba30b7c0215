import type { App } from "../app/app-file.ts";
import type { Endpoints } from "../stack/engine.ts";

/**
 * Base URLs of a stack of containers as its own ops container reaches them, over the network `monitoring`. A program
 * binds its admin listener to the alias that it has there alone.
 */
export const insideEndpoints = (
  adminToken: string | undefined,
  app: App | undefined,
  proxies: readonly string[],
): Endpoints => ({
  proxy: `http://${proxies.length > 1 ? "balancer" : "proxy"}:8080`,
  proxyAdmin: "http://proxy.admin:9100",
  proxyAdmins: Object.fromEntries(proxies.map((id) => [id, `http://${id}.admin:9100`])),
  callerAdmin: "http://caller.admin:9100",
  prometheus: "http://prometheus:9090",
  alertmanager: "http://alertmanager:9093",
  board: "http://board:9120",
  adminToken,
  replica: (id) => ({ public: `http://${id}:3000`, admin: `http://${id}.admin:9100` }),
  draining: (id) =>
    app === undefined
      ? [`http://${id}.admin:9100`]
      : proxies.map((proxy) => `http://${proxy}.admin:9100/replicas/${id}`),
  redis: { host: "redis", port: 6379 },
});

/**
 * The addresses of a containerised replica: those that `PUT /replicas/:id` takes, and the one of its metrics (undefined
 * if it has none).
 */
export function insideReplica(app: App | undefined) {
  return {
    // Its name on `monitoring`: the admin listener is bound there alone.
    urls: (id: string) =>
      app === undefined
        ? { url: `http://${id}:3000`, readyUrl: `http://${id}.admin:9100/readyz` }
        : { url: `http://${id}:${app.port}`, readyUrl: `http://${id}:${app.port}${app.readyPath}` },
    metrics: (id: string): string | undefined => {
      if (app === undefined) return `${id}:9100`;
      return app.metricsPath === undefined ? undefined : `${id}:${app.port}`;
    },
  };
}

/** Address of the links' admin endpoint, with the chaos overlay. */
export const insideLinksAdmin = "http://links.admin:9100";
