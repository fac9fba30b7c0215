import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { maxReplicas } from "../../ports.ts";
import { failsOver, isClustered } from "../../redis/ids.ts";
import { proxyIds } from "../../stack/proxy-id.ts";
import { replicaIds, replicaNumber } from "../../stack/replica-id.ts";
import type { StackLayout } from "../state-dir.ts";
import { hostAddresses, translate } from "./host-addresses.ts";
import { guardUser } from "./web-access.ts";

interface StaticConfig {
  targets: string[];
  labels?: Record<string, string>;
}
interface ScrapeConfig {
  basic_auth?: { username: string; password_file: string };
  job_name?: string;
  static_configs?: StaticConfig[];
  file_sd_configs?: { files: string[] }[];
}
interface PrometheusConfig {
  rule_files?: string[];
  scrape_configs?: ScrapeConfig[];
  alerting?: { alertmanagers?: ScrapeConfig[] };
}

/** Files of targets added while Prometheus runs (`make scale`). It reads them again by itself. */
function targetsDir({ dir }: StackLayout): string {
  return join(dir, "prometheus", "targets");
}

/**
 * Writes prometheus/prometheus.yml for this host. It translates addresses and files, and leaves out programs that are
 * not installed, so that they do not show as down. The label `instance` keeps the compose name.
 *
 * @param missing services that this stack runs without
 * @param passwordFile password of Prometheus and Alertmanager (web-access.ts)
 * @returns the path of the written file
 */
export function writePrometheusConfig(layout: StackLayout, missing: readonly string[], passwordFile: string): string {
  const { root, dir, app } = layout;
  const addresses = scrapeAddresses(layout);
  // For an application without metrics the proxy's metrics count.
  const absent =
    app !== undefined && app.metricsPath === undefined ? [...missing, ...replicaIds(maxReplicas)] : missing;
  const config = parse(readFileSync(join(root, "prometheus", "prometheus.yml"), "utf8")) as PrometheusConfig;
  const withPassword = { basic_auth: { username: guardUser, password_file: passwordFile } };
  const place = (scrapes: readonly ScrapeConfig[]): ScrapeConfig[] =>
    scrapes.flatMap((scrape) => {
      const targets = placeTargets(scrape.static_configs ?? [], addresses, absent);
      if (scrape.static_configs !== undefined && targets.length === 0) return [];
      const files = scrape.file_sd_configs?.map((discovery) => ({
        ...discovery,
        files: discovery.files.map((file) => file.replace("/etc/prometheus", join(dir, "prometheus"))),
      }));
      const path = scrape.job_name === "signaling" ? app?.metricsPath : undefined;
      const where = path === undefined ? {} : { metrics_path: path };
      return [
        { ...scrape, ...where, static_configs: targets, ...(files === undefined ? {} : { file_sd_configs: files }) },
      ];
    });
  config.rule_files = (config.rule_files ?? []).map((path) => ruleFile(layout, path));
  config.scrape_configs = place(config.scrape_configs ?? []);
  config.scrape_configs = config.scrape_configs.map((scrape) =>
    ["prometheus", "alertmanager"].includes(scrape.job_name ?? "") ? { ...scrape, ...withPassword } : scrape,
  );
  const alertmanagers = place(config.alerting?.alertmanagers ?? []).map((one) => ({ ...one, ...withPassword }));
  config.alerting = { ...config.alerting, alertmanagers };

  copyTargets(join(root, "prometheus", "targets"), targetsDir(layout), addresses);
  // The others of what there are several of; the first stands in the file.
  const servers = isClustered(layout.settings) ? "redis-cluster" : "redis-sentinel";
  for (const [several, overlay, folder] of [
    [proxyIds(layout.settings).length > 1, "proxies", "proxies"],
    [failsOver(layout.settings) || isClustered(layout.settings), servers, "redis-servers"],
  ] as const) {
    const to = join(dir, "prometheus", folder);
    if (several) copyTargets(join(root, "deploy", overlay, "targets"), to, addresses);
    else rmSync(to, { recursive: true, force: true });
  }
  copyTargetFile(join(root, "prometheus"), join(dir, "prometheus"), "redis-server.json", addresses, absent);
  const written = join(dir, "prometheus", "prometheus.yml");
  writeFileSync(written, stringify(config));
  return written;
}

/** The address on this host of each target of the compose network. An application's metrics are on its own port. */
function scrapeAddresses({ port, app }: StackLayout): Record<string, string> {
  const addresses = hostAddresses(port);
  if (app === undefined) return addresses;
  const own = replicaIds(maxReplicas).map((id) => [
    `${id}:9100`,
    `127.0.0.1:${port(`SIGNALING_${replicaNumber(id)}_PORT`)}`,
  ]);
  return { ...addresses, ...Object.fromEntries(own) };
}

/** Writes the targets of replicas that `make scale` added to the configured three. */
export function saveScaledTargets(layout: StackLayout, replicas: readonly string[]): void {
  const dir = targetsDir(layout);
  if (!existsSync(dir) || (layout.app !== undefined && layout.app.metricsPath === undefined)) return;
  const targets = replicas.filter((id) => Number(replicaNumber(id)) > 3).map((id) => `${id}:9100`);
  writeFileSync(
    join(dir, "scaled.json"),
    JSON.stringify(placeTargets([{ targets }], scrapeAddresses(layout)), null, 2),
  );
}

/** The repository's path of a rule file in the container. `slo.yml` is the file of the chosen burn-rate windows. */
function ruleFile({ root, settings }: StackLayout, path: string): string {
  const windows = settings["SLO_WINDOWS"] ?? "drill";
  return join(root, "prometheus", path.replace("/etc/prometheus/", "").replace(/^slo\.yml$/, `slo/${windows}.yml`));
}

/** One static config for each target, so that each keeps its `instance` of the compose engine. */
export function placeTargets(
  configs: readonly StaticConfig[],
  addresses: Readonly<Record<string, string>>,
  absent: readonly string[] = [],
): StaticConfig[] {
  return configs.flatMap(({ targets, labels }) =>
    targets
      .filter((target) => !absent.includes(target.replace(/:\d+$/, "")))
      .map((target) => ({ targets: [translate(target, addresses)], labels: { instance: target, ...labels } })),
  );
}

/** The repository's files of targets, translated. */
function copyTargets(from: string, to: string, addresses: Readonly<Record<string, string>>): void {
  mkdirSync(to, { recursive: true });
  if (!existsSync(from)) return;
  for (const name of readdirSync(from).filter((file) => file.endsWith(".json")))
    copyTargetFile(from, to, name, addresses);
}

function copyTargetFile(
  from: string,
  to: string,
  name: string,
  addresses: Readonly<Record<string, string>>,
  absent: readonly string[] = [],
): void {
  const targets = JSON.parse(readFileSync(join(from, name), "utf8")) as StaticConfig[];
  writeFileSync(join(to, name), JSON.stringify(placeTargets(targets, addresses, absent), null, 2));
}
