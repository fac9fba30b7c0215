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
  const password = neededSecret(layout, "NATS_CLUSTER_PASSWORD");
  const others = ids.filter((other) => other !== id);
  const values: Record<string, string> = {
    NATS_NAME: quoted(id),
    NATS_STORE: quoted(join(dir, id, "jetstream")),
    NATS_LISTEN: quoted(`${loopback}:${port(natsPort(id))}`),
    NATS_CLUSTER_LISTEN: quoted(`${loopback}:${port(natsClusterPort(id))}`),
    NATS_PASSWORD: quoted(neededSecret(layout, "NATS_PASSWORD")),
    NATS_OPS_PASSWORD: quoted(neededSecret(layout, "NATS_OPS_PASSWORD")),
    NATS_CLUSTER_PASSWORD: quoted(password),
    NATS_ROUTES: `[${others
      .map((other) => `nats://server:${encodeURIComponent(password)}@${loopback}:${port(natsClusterPort(other))}`)
      .map(quoted)
      .join(", ")}]`,
  };
  const several = ids.length > 1;
  // An unused variable is an unknown setting, which a nats-server refuses.
  const used = Object.entries(values).filter(([name]) => several || !/CLUSTER|ROUTES/.test(name));
  const variables = used.map(([name, value]) => `${name}: ${value}\n`);
  const files = several ? ["nats.conf", "cluster.conf"] : ["nats.conf"];
  const own = join(dir, id);
  // The file has the passwords.
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const file = join(own, "nats.conf");
  const texts = files.map((name) => readFileSync(join(root, "nats", name), "utf8"));
  writeFileSync(file, [...variables, ...texts].join(""), { mode: 0o600 });
  return { command: "nats-server", args: ["--config", file], env: {} };
}

/** A string of a NATS configuration. */
const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&")}"`;

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
