import { z } from "zod";
import { isSecret } from "../../common/config.ts";
import { schema as ops } from "../../ops/config.ts";
import { proxyConfig as proxy } from "../../proxy/config.ts";
import { schema as board } from "../../services/board/config.ts";
import { schema as caller } from "../../services/caller/config.ts";
import { schema as replica } from "../../services/signaling/config.ts";

const file = "Path of a file that holds it";

/** Variables that only compose.yaml and its overlays read. The test compares this list with the files. */
const compose: Record<string, { value: string; meaning: string }> = {
  PUBLIC_BIND: { value: "127.0.0.1", meaning: "Host address of the proxy's public port; 0.0.0.0 for other machines" },
  GRAFANA: { value: "1", meaning: "0 leaves Grafana out, where its image cannot be pulled" },
  PROFILE: { value: "full", meaning: "minimal leaves out Prometheus, Alertmanager, Grafana and the exporter" },
  DOCKER_SOCKET: {
    value: "/var/run/docker.sock",
    meaning: "Socket of the Docker Engine, for the ops container; make finds it by DOCKER_HOST or the context in use",
  },
  OVERLAYS: { value: "", meaning: "Directories of deploy/ laid over compose.yaml, blanks between: tls turn chaos …" },
  ...image("IMAGE_NODE", "node:24-trixie-slim"),
  ...image("IMAGE_REDIS", "redis:8.0-bookworm"),
  ...image("IMAGE_NATS", "nats:2.11.8-alpine"),
  ...image("IMAGE_REDIS_EXPORTER", "oliver006/redis_exporter:v1.83.0"),
  ...image("IMAGE_PROMETHEUS", "prom/prometheus:v3.5.0"),
  ...image("IMAGE_ALERTMANAGER", "prom/alertmanager:v0.28.1"),
  ...image("IMAGE_GRAFANA", "grafana/grafana:12.1.1"),
  ...image("IMAGE_HAPROXY", "haproxy:3.2.4"),
  ...image("IMAGE_COTURN", "coturn/coturn:4.7.0"),
  GRAFANA_ADMIN_PASSWORD: { value: "", meaning: "Password of Grafana's user admin; make up creates one" },
  GRAFANA_ADMIN_PASSWORD_FILE: { value: "", meaning: file },
  CERTS_DIR: { value: "./certs", meaning: "With the overlay tls: where make certs puts the CA and the certificate" },
  TLS_NAMES: { value: "", meaning: "Names and addresses that make certs adds to the certificate, blanks between" },
  TURN_HOST: { value: "", meaning: "With the overlay turn: address that clients reach the TURN server at" },
  TURN_ALLOW_PRIVATE: {
    value: "0",
    meaning: "With the overlay turn: 1 relays to private addresses too, for pages on one laptop or site",
  },
  TURN_RELAY_PORTS: { value: "49160-49199", meaning: "With the overlay turn: UDP ports of relayed media, two a call" },
};

function image(name: string, value: string) {
  return { [name]: { value, meaning: "Image, pinned; another reference where a registry of your own has it" } };
}

interface Variable {
  name: string;
  /** The default in the form of the file; empty without a default. */
  value: string;
  meaning: string;
}

/** The text of .env.example: every variable of every program, commented out, with its default and meaning. */
export function envExample(): string {
  const seen = new Set<string>();
  const section = (title: string, variables: Variable[]) => {
    const fresh = variables.filter(({ name }) => !seen.has(name));
    for (const { name } of fresh) seen.add(name);
    return [`# ── ${title}`, ...fresh.flatMap(({ name, value, meaning }) => [`# ${meaning}`, `#${name}=${value}`]), ""];
  };
  return [
    "# Settings of the stack. Copy to .env and take the # off what you change; make and Compose both read it.",
    "# A variable in the environment or on make's command line wins. An empty one is unset.",
    "# A secret may be given as a value or as a file. make up creates the missing ones under .secrets/.",
    "",
    ...section("make, every engine", fields(ops)),
    ...section(
      "compose.yaml",
      Object.entries(compose).map(([name, { value, meaning }]) => ({ name, value, meaning })),
    ),
    ...section("proxy", fields(proxy)),
    ...section("replicas", fields(replica)),
    ...section("caller", fields(caller)),
    ...section("board", fields(board)),
  ].join("\n");
}

function fields(schema: z.ZodObject): Variable[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => [
    { name, value: written(field as z.ZodType), meaning: (field as z.ZodType).description ?? "" },
    ...(isSecret(field) ? [{ name: `${name}_FILE`, value: "", meaning: file }] : []),
  ]);
}

/** A default in the form of the file. */
function written(field: z.ZodType): string {
  if (!(field instanceof z.ZodDefault)) return "";
  const value: unknown = field.def.defaultValue;
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
