import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { natsClusterPort, natsIds, natsLinkPort, natsPort } from "../nats/ids.ts";
import type { NatsAccess } from "../nats/messages.ts";
import { neededSecret } from "./secrets.ts";
import type { Launch, StackLayout } from "./state-dir.ts";

const loopback = "127.0.0.1";

/** A nats-server with the configuration of the compose engine. It stores nothing. */
export function natsLaunch(layout: StackLayout, id: string): Launch {
  const { root, dir, port, settings } = layout;
  const ids = natsIds(settings);
  // A variable that no file uses is an unknown setting, which a nats-server refuses.
  const variables = {
    NATS_NAME: id,
    NATS_STORE: join(dir, id, "jetstream"),
    NATS_LISTEN: `${loopback}:${port(natsPort(id))}`,
    NATS_PASSWORD: neededSecret(layout, "NATS_PASSWORD"),
    NATS_OPS_PASSWORD: neededSecret(layout, "NATS_OPS_PASSWORD"),
    ...(ids.length > 1 ? clusterVariables(layout, id, ids) : {}),
  };
  const files = ids.length > 1 ? ["nats.conf", "cluster.conf"] : ["nats.conf"];
  const own = join(dir, id);
  // The file has the passwords.
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const file = join(own, "nats.conf");
  const texts = files.map((name) => readFileSync(join(root, "nats", name), "utf8"));
  const lines = Object.entries(variables).map(([name, value]) => `${name}: ${literal(value)}\n`);
  writeFileSync(file, [...lines, ...texts].join(""), { mode: 0o600 });
  return { command: "nats-server", args: ["--config", file], env: {} };
}

/** The variables of nats/cluster.conf. */
function clusterVariables(layout: StackLayout, id: string, ids: readonly string[]): Record<string, string | string[]> {
  const at = (server: string) => `${loopback}:${layout.port(natsClusterPort(server))}`;
  const password = neededSecret(layout, "NATS_CLUSTER_PASSWORD");
  return {
    NATS_CLUSTER_LISTEN: at(id),
    NATS_CLUSTER_PASSWORD: password,
    NATS_ROUTES: ids
      .filter((other) => other !== id)
      .map((other) => `nats://server:${encodeURIComponent(password)}@${at(other)}`),
  };
}

/** A string, or an array of strings, of a NATS configuration. */
function literal(value: string | string[]): string {
  if (typeof value !== "string") return `[${value.map(literal).join(", ")}]`;
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** What a replica needs to reach each server through a link of its own. */
export function natsSettings({ port, settings }: StackLayout, n: string): Record<string, string> {
  const ids = natsIds(settings);
  if (ids.length === 0) return {};
  return {
    NATS_USERNAME: "replica",
    NATS_URL: ids.map((id) => `nats://${loopback}:${port(natsLinkPort(n, id))}`).join(","),
  };
}

/** How an operator on this host looks at a NATS server. Throws CannotError without the password. */
export function hostNatsAccess(layout: StackLayout, id: string): NatsAccess {
  return {
    host: loopback,
    port: layout.port(natsPort(id)),
    user: "ops",
    password: neededSecret(layout, "NATS_OPS_PASSWORD"),
  };
}
