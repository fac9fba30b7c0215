import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { replicaNumber } from "../ports.ts";
import { findExecutable } from "./executable.ts";
import { hostAddresses, translate } from "./host-addresses.ts";
import type { StackLayout } from "./programs.ts";
import type { Launch } from "./state-dir.ts";

interface StaticConfig {
  targets: string[];
  labels?: Record<string, string>;
}
interface ScrapeConfig {
  static_configs?: StaticConfig[];
  file_sd_configs?: { files: string[] }[];
}
interface PrometheusConfig {
  rule_files?: string[];
  scrape_configs?: ScrapeConfig[];
  alerting?: { alertmanagers?: ScrapeConfig[] };
}

/** Where Prometheus looks for targets that come while it runs (`make scale`); read again by itself. */
export function targetsDir({ dir }: Pick<StackLayout, "dir">): string {
  return join(dir, "prometheus", "targets");
}

/**
 * The programs that observe the stack and are installed: `prometheus`, `alertmanager`, `redis-exporter`. They run the
 * configuration of the compose engine, translated to this host's addresses; the label `instance` keeps the compose name.
 */
export function observerLaunches(layout: StackLayout, path: string | undefined): Record<string, Launch> {
  const { root, dir, port } = layout;
  const launches: Record<string, Launch> = {};
  const prometheus = findExecutable(["prometheus"], path);
  const config = join(root, "prometheus", "prometheus.yml");
  if (prometheus !== undefined && existsSync(config)) {
    launches["prometheus"] = {
      command: prometheus,
      args: [
        `--config.file=${writePrometheusConfig(layout, config)}`,
        `--storage.tsdb.path=${join(dir, "prometheus", "data")}`,
        "--storage.tsdb.retention.time=1d",
        `--web.listen-address=127.0.0.1:${port("PROMETHEUS_PORT")}`,
        "--web.enable-lifecycle",
      ],
      env: {},
    };
  }
  const alertmanager = findExecutable(["alertmanager", "prometheus-alertmanager"], path);
  const routing = join(root, "alertmanager", "alertmanager.yml");
  if (alertmanager !== undefined && existsSync(routing)) {
    mkdirSync(join(dir, "alertmanager"), { recursive: true });
    const written = join(dir, "alertmanager", "alertmanager.yml");
    writeFileSync(written, translate(readFileSync(routing, "utf8"), hostAddresses(port)));
    launches["alertmanager"] = {
      command: alertmanager,
      args: [
        `--config.file=${written}`,
        `--storage.path=${join(dir, "alertmanager", "data")}`,
        `--web.listen-address=127.0.0.1:${port("ALERTMANAGER_PORT")}`,
        "--cluster.listen-address=",
      ],
      env: {},
    };
  }
  const exporter = findExecutable(["prometheus-redis-exporter", "redis_exporter"], path);
  if (exporter !== undefined) {
    launches["redis-exporter"] = {
      command: exporter,
      args: [
        `-redis.addr=redis://127.0.0.1:${port("REDIS_PORT")}`,
        // Below the scrape's time-out: a frozen Redis is told as redis_up 0, not as an exporter that is gone.
        "-connection-timeout=2s",
        `-web.listen-address=127.0.0.1:${port("REDIS_EXPORTER_PORT")}`,
      ],
      env: {},
    };
  }
  return launches;
}

function writePrometheusConfig(layout: StackLayout, source: string): string {
  const { root, dir, port, settings } = layout;
  const addresses = hostAddresses(port);
  const windows = settings["SLO_WINDOWS"] ?? "drill";
  const config = parse(readFileSync(source, "utf8")) as PrometheusConfig;
  config.rule_files = (config.rule_files ?? []).map((pattern) =>
    resolve(
      root,
      "prometheus",
      pattern.replace(/^.*\/etc\/prometheus\//, "").replace(/^slo\.yml$/, `slo/${windows}.yml`),
    ),
  );
  const place = (scrape: ScrapeConfig): ScrapeConfig => ({
    ...scrape,
    ...(scrape.static_configs === undefined ? {} : { static_configs: placeTargets(scrape.static_configs, addresses) }),
    ...(scrape.file_sd_configs === undefined
      ? {}
      : {
          file_sd_configs: scrape.file_sd_configs.map((sd) => ({
            ...sd,
            files: sd.files.map((file) => join(targetsDir(layout), file.slice(file.lastIndexOf("/") + 1))),
          })),
        }),
  });
  config.scrape_configs = (config.scrape_configs ?? []).map(place);
  if (config.alerting?.alertmanagers !== undefined)
    config.alerting.alertmanagers = config.alerting.alertmanagers.map(place);
  mkdirSync(targetsDir(layout), { recursive: true });
  copyTargets(join(root, "prometheus", "targets"), targetsDir(layout), addresses);
  const written = join(dir, "prometheus", "prometheus.yml");
  writeFileSync(written, stringify(config));
  return written;
}

/** One static config a target, so that each keeps the `instance` that it has on the compose engine. */
export function placeTargets(configs: readonly StaticConfig[], addresses: Readonly<Record<string, string>>) {
  return configs.flatMap(({ targets, labels }) =>
    targets.map((target) => ({
      targets: [translate(target, addresses)],
      labels: { instance: target, ...labels },
    })),
  );
}

/** Files of targets that come with the repository, translated. */
function copyTargets(from: string, to: string, addresses: Readonly<Record<string, string>>): void {
  if (!existsSync(from)) return;
  for (const name of readdirSync(from)) {
    if (!name.endsWith(".json")) cpSync(join(from, name), join(to, name));
    else {
      const targets = JSON.parse(readFileSync(join(from, name), "utf8")) as StaticConfig[];
      writeFileSync(join(to, name), JSON.stringify(placeTargets(targets, addresses), null, 2));
    }
  }
}

/** Tells Prometheus of the replicas that `make scale` added to the three of its configuration. */
export function saveScaledTargets(layout: StackLayout, replicas: readonly string[]): void {
  const dir = targetsDir(layout);
  if (!existsSync(dir)) return;
  const targets = replicas.filter((id) => Number(replicaNumber(id)) > 3).map((id) => `${id}:9100`);
  const configs = placeTargets([{ targets, labels: {} }], hostAddresses(layout.port));
  writeFileSync(join(dir, "scaled.json"), JSON.stringify(configs, null, 2));
}
