import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exporterOf, exporterPort, redisIds, redisPort } from "../../redis/ids.ts";
import { findExecutable } from "../executable.ts";
import { guardLaunch } from "../programs.ts";
import { neededSecret } from "../secrets.ts";
import type { Launch, StackLayout } from "../state-dir.ts";
import { hostAddresses, translate } from "./host-addresses.ts";
import { writePrometheusConfig } from "./prometheus-config.ts";
import { writeWebAccess } from "./web-access.ts";

/**
 * The installed programs that observe the stack: `prometheus`, `alertmanager`, `redis-exporter`. They run the
 * configuration of the compose engine, translated to this host's addresses.
 */
export function observerLaunches(layout: StackLayout, path: string | undefined): Record<string, Launch> {
  const { root, dir, port, settings } = layout;
  const launches: Record<string, Launch> = {};
  const access = writeWebAccess(dir);
  const exporter = findExecutable(["prometheus-redis-exporter", "redis_exporter"], path);
  if (exporter !== undefined) {
    // Each password is bound to its address, in the spelling of old and new exporters. No other target gets it.
    const passwords = join(dir, "redis-exporter.json");
    const password = neededSecret(layout, "REDIS_WATCH_PASSWORD");
    const servers = redisIds(settings).map((id) => ({ id, address: `redis://127.0.0.1:${port(redisPort(id))}` }));
    const known = servers.flatMap(({ address }) => [address, address.replace("//", "//watch@")]);
    writeFileSync(passwords, JSON.stringify(Object.fromEntries(known.map((address) => [address, password]))), {
      mode: 0o600,
    });
    for (const { id, address } of servers)
      launches[exporterOf(id)] = {
        command: exporter,
        args: [
          `-redis.addr=${address}`,
          // Below the scrape's time-out, so that a frozen Redis shows as redis_up 0 and not as a missing exporter.
          "-connection-timeout=2s",
          `-web.listen-address=127.0.0.1:${port(exporterPort(exporterOf(id)))}`,
        ],
        env: { REDIS_USER: "watch", REDIS_PASSWORD_FILE: passwords, REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT: "true" },
      };
  }
  const alertmanager = findExecutable(["alertmanager", "prometheus-alertmanager"], path);
  const routing = join(root, "alertmanager", "alertmanager.yml");
  if (alertmanager !== undefined && existsSync(routing)) {
    mkdirSync(join(dir, "alertmanager"), { recursive: true });
    const written = join(dir, "alertmanager", "alertmanager.yml");
    const token = join(dir, "alertmanager", "admin-token");
    writeFileSync(token, neededSecret(layout, "ADMIN_TOKEN"), { mode: 0o600 });
    const text = readFileSync(routing, "utf8").replaceAll("/run/secrets/admin_token", token);
    writeFileSync(written, translate(text, hostAddresses(port)));
    launches["alertmanager"] = {
      command: alertmanager,
      args: [
        `--config.file=${written}`,
        `--storage.path=${join(dir, "alertmanager", "data")}`,
        `--web.listen-address=127.0.0.1:${port("ALERTMANAGER_GUARDED_PORT")}`,
        `--web.config.file=${access.config}`,
        "--cluster.listen-address=",
      ],
      env: {},
    };
  }
  const prometheus = findExecutable(["prometheus"], path);
  if (prometheus !== undefined) {
    const absent = [...redisIds(settings).map(exporterOf), "redis-exporter", "alertmanager"].filter(
      (id) => launches[id] === undefined,
    );
    launches["prometheus"] = {
      command: prometheus,
      args: [
        `--config.file=${writePrometheusConfig(layout, absent, access.passwordFile)}`,
        `--storage.tsdb.path=${join(dir, "prometheus", "data")}`,
        "--storage.tsdb.retention.time=1d",
        `--web.listen-address=127.0.0.1:${port("PROMETHEUS_GUARDED_PORT")}`,
        `--web.config.file=${access.config}`,
      ],
      env: {},
    };
  }
  const guarded = ["prometheus", "alertmanager"].flatMap((id) => {
    const name = id.toUpperCase();
    const address = `127.0.0.1:${port(`${name}_PORT`)}=http://127.0.0.1:${port(`${name}_GUARDED_PORT`)}`;
    return launches[id] === undefined ? [] : [address];
  });
  if (guarded.length > 0) launches["guard"] = guardLaunch(layout, guarded, access.passwordFile);
  return launches;
}
