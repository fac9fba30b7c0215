import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { App } from "../app/app-file.ts";
import { callerSettings, proxySettings } from "../app/app-settings.ts";
import { natsIds, natsLinkPort, natsPort, usesNats } from "../nats/ids.ts";
import { maxReplicas } from "../ports.ts";
import { failsOver, linkPort, redisIds, redisPort } from "../redis/ids.ts";
import { CannotError } from "../stack/engine.ts";
import { proxyAdminPort, proxyIds, proxyNumber } from "../stack/proxy-id.ts";
import { replicaIds, replicaNumber } from "../stack/replica-id.ts";
import { balancerConfig } from "./balancer.ts";
import { natsSettings } from "./nats-server.ts";
import { nodeFlags } from "./node-flags.ts";
import { clusterSettings } from "./redis/cluster.ts";
import { sentinelSettings } from "./redis/servers.ts";
import { neededSecret, secretFiles } from "./secrets.ts";
import type { Launch, StackLayout } from "./state-dir.ts";

const loopback = "127.0.0.1";

/** The links of all replicas to the backplane, also of replicas added later. All run in one process. */
export function linksLaunch(layout: StackLayout): Launch {
  const { root, port, settings } = layout;
  const servers = [
    ...redisIds(settings).map((id) => ({ at: redisPort(id), link: (n: string) => linkPort(n, id) })),
    ...natsIds(settings).map((id) => ({ at: natsPort(id), link: (n: string) => natsLinkPort(n, id) })),
  ];
  const links = servers.flatMap(({ at, link }, index) =>
    replicaIds(maxReplicas).map((id) => {
      const listen = `${id}=${loopback}:${port(link(replicaNumber(id)))}`;
      return index === 0 ? listen : `${listen}|${loopback}:${port(at)}`;
    }),
  );
  const token = settings["ADMIN_TOKEN"];
  return node(root, "ops/link/main.ts", {
    ...(token === undefined ? secretFiles(layout, ["ADMIN_TOKEN"]) : { ADMIN_TOKEN: token }),
    LINKS: links.join(","),
    UPSTREAM: `${loopback}:${port(servers[0]?.at ?? "REDIS_PORT")}`,
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("LINK_ADMIN_PORT")),
  });
}

export function replicaLaunch(layout: StackLayout, id: string): Launch {
  const { root, port, settings, app } = layout;
  const n = replicaNumber(id);
  if (app !== undefined) return appLaunch(layout, app, id);
  const linkTo = (server: string) => `${loopback}:${port(linkPort(n, server))}`;
  const launch = node(root, "services/signaling/main.ts", {
    ...settings,
    ...secretFiles(layout, [
      "ADMIN_TOKEN",
      "REDIS_PASSWORD",
      ...(failsOver(settings) ? ["REDIS_SENTINEL_PASSWORD"] : []),
      ...(usesNats(settings) ? ["NATS_PASSWORD"] : []),
      "RESUME_SECRET",
      "BACKPLANE_SECRET",
      "JWT_SECRET",
      "TURN_SECRET",
    ]),
    NODE_ID: id,
    HOST: loopback,
    PORT: String(port(`SIGNALING_${n}_PORT`)),
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port(`SIGNALING_${n}_ADMIN_PORT`)),
    REDIS_USERNAME: "replica",
    REDIS_URL: `redis://${loopback}:${port(`LINK_${n}_PORT`)}`,
    ...natsSettings(layout, n),
    ...sentinelSettings(layout, linkTo),
    ...clusterSettings(layout, linkTo),
  });
  return { ...launch, args: [...nodeFlags, ...launch.args] };
}

/** One process of the application. The variables named in its file give it its port and the address of Redis. */
function appLaunch(layout: StackLayout, app: App, id: string): Launch {
  const command = neededCommand(app);
  const { port } = layout;
  const n = replicaNumber(id);
  const password = encodeURIComponent(neededSecret(layout, "REDIS_APP_PASSWORD"));
  return {
    // `exec`, so that signals reach the application and not a shell.
    command: "sh",
    args: ["-c", `cd "$1" && exec ${command}`, "sh", app.dir],
    env: {
      ...app.env,
      [app.variables.port]: String(port(`SIGNALING_${n}_PORT`)),
      [app.variables.host]: loopback,
      [app.variables.node]: id,
      [app.variables.redis]: `redis://app:${password}@${loopback}:${port(`LINK_${n}_PORT`)}`,
    },
  };
}

/** @throws CannotError if the application has no command, so that it can only run as a container */
export function neededCommand({ file, command }: App): string {
  if (command === undefined) throw new CannotError(`${file} has no APP_COMMAND: ENGINE=process needs one`);
  return command;
}

/** `id=publicURL|readyURL`, the form of `REPLICAS` and `PUT /replicas/:id`. */
export function replicaUrls(
  { port, app }: Pick<StackLayout, "port" | "app">,
  id: string,
): { url: string; readyUrl: string } {
  const n = replicaNumber(id);
  const url = `http://${loopback}:${port(`SIGNALING_${n}_PORT`)}`;
  if (app !== undefined) return { url, readyUrl: `${url}${app.readyPath}` };
  return {
    url,
    readyUrl: `http://${loopback}:${port(`SIGNALING_${n}_ADMIN_PORT`)}/readyz`,
  };
}

/**
 * A proxy; `id` is `proxy` or `proxy-2`. Beside another one it listens on ports of its own, and the balancer has the
 * public ones.
 */
export function proxyLaunch(layout: StackLayout, id: string, replicas: readonly string[]): Launch {
  const { root, port, settings, app } = layout;
  const table = replicas.map((id) => {
    const { url, readyUrl } = replicaUrls(layout, id);
    return `${id}=${url}|${readyUrl}`;
  });
  // The same as proxy/start.sh in the image.
  const flags = settings["PROXY_TUNING"] === "off" ? [] : nodeFlags;
  const launch = node(root, "proxy/main.ts", {
    ...(app === undefined ? {} : proxySettings(app)),
    ...settings,
    ...secretFiles(layout, ["ADMIN_TOKEN", "STICKY_SECRET"]),
    PROXY_HOST: settings["PUBLIC_BIND"] ?? loopback,
    PROXY_PORT: String(port("PROXY_PORT")),
    ADMIN_HOST: loopback,
    PROXY_ADMIN_PORT: String(port(proxyAdminPort(id))),
    REPLICAS: table.join(","),
    ...(proxyIds(settings).length > 1 ? balancedSettings(layout, id) : {}),
  });
  return { ...launch, args: [...flags, ...launch.args] };
}

function balancedSettings({ dir, port }: StackLayout, id: string): Record<string, string> {
  const n = proxyNumber(id);
  return {
    PROXY_PORT: String(port(`PROXY_${n}_PORT`)),
    PROXY_PROTOCOL_PORT: String(port(`PROXY_${n}_PROTOCOL_PORT`)),
    PROXY_PROTOCOL_FROM: loopback,
    PROXY_TABLE_FILE: join(dir, "proxy-table.json"),
    PROXY_TLS_PORT: String(port(`PROXY_${n}_TLS_PORT`)),
    TLS_REDIRECT_PORT: String(port("PROXY_TLS_PORT")),
  };
}

/** HAProxy in front of the proxies, by the PROXY protocol; it listens where one proxy alone would. */
export function balancerLaunch(layout: StackLayout, haproxy: string): Launch {
  const { dir, port, settings } = layout;
  const path = join(dir, "haproxy.cfg");
  const bind = settings["PUBLIC_BIND"] ?? loopback;
  const binds = ["PROXY_PORT", ...(settings["TLS_CERT"] === undefined ? [] : ["PROXY_TLS_PORT"])].map(
    (variable) => `${bind}:${port(variable)}`,
  );
  const proxies = proxyIds(settings).map((id) => ({
    id,
    address: `${loopback}:${port(`PROXY_${proxyNumber(id)}_PROTOCOL_PORT`)}`,
    ready: `${loopback}:${port(proxyAdminPort(id))}`,
  }));
  writeFileSync(
    path,
    balancerConfig(layout.root, { public: binds, admin: `${loopback}:${port("BALANCER_ADMIN_PORT")}` }, proxies),
  );
  return { command: haproxy, args: ["-db", "-f", path], env: {} };
}

/** The guard in front of Prometheus and Alertmanager; `guarded` is its `GUARDED`. */
export function guardLaunch({ root, settings }: StackLayout, guarded: readonly string[], passwordFile: string): Launch {
  return node(root, "services/guard/main.ts", {
    ...settings,
    GUARDED: guarded.join(","),
    GUARD_PASSWORD_FILE: passwordFile,
  });
}

export function callerLaunch(layout: StackLayout): Launch {
  const { root, port, settings, app } = layout;
  return node(root, "services/caller/main.ts", {
    ...(app === undefined ? {} : callerSettings(app)),
    ...settings,
    ...secretFiles(layout, ["ADMIN_TOKEN"]),
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("CALLER_ADMIN_PORT")),
    // The balancer first; without it the first proxy by itself.
    TARGET_URL: ["PROXY_PORT", ...(proxyIds(settings).length > 1 ? ["PROXY_1_PORT"] : [])]
      .map((variable) => `http://${loopback}:${port(variable)}`)
      .join(","),
  });
}

/** The board polls every program that has a port, also replicas added later. */
export function boardLaunch(layout: StackLayout, observers: readonly string[]): Launch {
  const { root, dir, port, settings } = layout;
  const targets = {
    ...Object.fromEntries(proxyIds(settings).map((id) => [id, port(proxyAdminPort(id))] as const)),
    ...Object.fromEntries(
      replicaIds(maxReplicas).map((id) => [id, port(`SIGNALING_${replicaNumber(id)}_ADMIN_PORT`)] as const),
    ),
    ...(proxyIds(settings).length > 1 ? { balancer: port("BALANCER_ADMIN_PORT") } : {}),
    caller: port("CALLER_ADMIN_PORT"),
    ...(observers.includes("prometheus") ? { prometheus: port("PROMETHEUS_PORT") } : {}),
    ...(observers.includes("alertmanager") ? { alertmanager: port("ALERTMANAGER_PORT") } : {}),
  };
  return node(root, "services/board/main.ts", {
    ...settings,
    ...secretFiles(layout, ["TRAINER_TOKEN"]),
    BOARD_HOST: loopback,
    BOARD_PORT: String(port("BOARD_PORT")),
    BOARD_TARGETS: Object.entries(targets)
      .map(([id, at]) => `${id}=http://${loopback}:${at}`)
      .join(","),
    BOARD_STACK: basename(dir),
    BOARD_REPORTS_DIR: join(root, "reports"),
    BOARD_STACKS_DIR: dirname(dir),
  });
}

function node(root: string, program: string, env: Record<string, string>): Launch {
  return { command: process.execPath, args: [join(root, program)], env };
}
