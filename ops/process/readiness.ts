import { connect } from "node:net";
import { isNats, natsPort } from "../nats/ids.ts";
import { exporterPort, isExporter, isRedis, isSentinel, redisPort } from "../redis/ids.ts";
import type { Endpoints } from "../stack/engine.ts";
import { answersOk } from "../stack/http.ts";
import { isReplica } from "../stack/replica-id.ts";
import { replicaUrls } from "./programs.ts";
import type { StackLayout } from "./state-dir.ts";

/** Time-out of an answer, ms. */
const timeoutMs = 1_000;

/** True if a Redis server answers PING at this address. */
export function redisAnswers({ host, port }: Endpoints["redis"]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.on("error", () => done(false));
    socket.on("connect", () => socket.write("PING\r\n"));
    // A server that requires a password counts too.
    socket.once("data", (data) => done(/^(\+PONG|-NOAUTH)/.test(data.toString("latin1"))));
  });
}

/** True if a NATS server greets at this address (docs.nats.io/reference/reference-protocols/nats-protocol). */
function natsAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.on("error", () => done(false));
    socket.once("data", (data) => done(data.toString("latin1").startsWith("INFO ")));
  });
}

/**
 * True if a connection to one of these URLs is accepted. The guard's answers come from other programs, so they do not
 * count.
 */
async function acceptsAny(urls: readonly string[]): Promise<boolean> {
  const accepted = await Promise.all(
    urls.map(
      (url) =>
        new Promise<boolean>((resolve) => {
          const { hostname, port } = new URL(url);
          const socket = connect({ host: hostname, port: Number(port), timeout: timeoutMs });
          const done = (answer: boolean) => {
            socket.destroy();
            resolve(answer);
          };
          socket.on("connect", () => done(true));
          socket.on("error", () => done(false));
          socket.on("timeout", () => done(false));
        }),
    ),
  );
  return accepted.includes(true);
}

/** Addresses for the readiness check of the service `id`, besides the stack's endpoints. */
export function readyUrls(layout: StackLayout, id: string) {
  const at = (variable: string) => `http://127.0.0.1:${layout.port(variable)}`;
  return {
    redis: { host: "127.0.0.1", port: isRedis(id) || isSentinel(id) ? layout.port(redisPort(id)) : 0 },
    linksAdmin: at("LINK_ADMIN_PORT"),
    exporter: at(isExporter(id) ? exporterPort(id) : "REDIS_EXPORTER_PORT"),
    nats: isNats(id) ? layout.port(natsPort(id)) : 0,
    board: at("BOARD_PORT"),
    balancer: at("BALANCER_ADMIN_PORT"),
    replicaReady: isReplica(id) ? replicaUrls(layout, id).readyUrl : "",
  };
}

/** The readiness check of a service. For `links` it checks that connections pass. */
export function readiness(id: string, endpoints: Endpoints, urls: ReturnType<typeof readyUrls>) {
  return (): Promise<boolean> => {
    if (isReplica(id)) return answersOk(urls.replicaReady);
    if (isExporter(id)) return answersOk(`${urls.exporter}/metrics`);
    if (isNats(id)) return natsAnswers(urls.nats);
    if (isRedis(id) || isSentinel(id)) return redisAnswers(urls.redis);
    switch (id) {
      case "links":
        return answersOk(`${urls.linksAdmin}/healthz`);
      case "proxy":
      case "proxy-2":
        return answersOk(`${endpoints.proxyAdmins[id]}/readyz`);
      case "balancer":
        // With TLS the public port redirects.
        return answersOk(`${urls.balancer}/healthz`);
      case "caller":
        return answersOk(`${endpoints.callerAdmin}/healthz`);
      case "board":
        return answersOk(`${urls.board}/healthz`);
      case "guard":
        return acceptsAny([endpoints.prometheus, endpoints.alertmanager]);
      case "prometheus":
        return answersOk(`${endpoints.prometheus}/-/ready`);
      case "alertmanager":
        return answersOk(`${endpoints.alertmanager}/-/ready`);
      default:
        throw new Error(`no readiness is known for ${id}`);
    }
  };
}
