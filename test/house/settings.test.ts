import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { z } from "zod";
import { isSecret } from "../../common/config.ts";
import { schema as ops } from "../../ops/config.ts";
import { schema as links } from "../../ops/link/config.ts";
import { defaultPorts } from "../../ops/ports.ts";
import { proxyConfig as proxy } from "../../proxy/config.ts";
import { schema as board } from "../../services/board/config.ts";
import { schema as caller } from "../../services/caller/config.ts";
import { schema as guard } from "../../services/guard/config.ts";
import { schema as replica } from "../../services/signaling/config.ts";

/** Describes how the settings of one program reach its containers. */
interface Program {
  schema: z.ZodObject;
  /** Variables whose values the compose files fix: addresses inside the stack, paths inside the image. */
  own: readonly string[];
  /** Variables that no container needs, each with a reason. */
  without: readonly string[];
}

const onNetwork = ["ADMIN_HOST", "ADMIN_PORT"];

/** By the name of the image, `hold-the-line/<name>`. */
const programs: Record<string, Program> = {
  proxy: {
    schema: proxy,
    own: [
      "ADMIN_HOST",
      "PROXY_HOST",
      "PROXY_PORT",
      "PROXY_ADMIN_PORT",
      "PROXY_TLS_PORT",
      "REPLICAS",
      "TLS_CERT",
      "TLS_KEY",
      "TLS_REDIRECT_PORT",
    ],
    without: [],
  },
  signaling: {
    schema: replica,
    own: [...onNetwork, "HOST", "PORT", "NODE_ID", "REDIS_URL", "REDIS_USERNAME"],
    // The page is built into the image, at the default path.
    without: ["PAGE_DIR"],
  },
  caller: { schema: caller, own: [...onNetwork, "TARGET_URL"], without: [] },
  // On the networks of compose.yaml Prometheus and Alertmanager need no password.
  guard: { schema: guard, own: ["GUARDED"], without: ["GUARD_PASSWORD"] },
  board: {
    schema: board,
    own: ["BOARD_HOST", "BOARD_PORT", "BOARD_TARGETS", "BOARD_STACK"],
    // The defaults match the image and its mounts. Other stacks' state is on the host.
    without: ["BOARD_PAGE_DIR", "BOARD_REPORTS_DIR", "BOARD_STACKS_DIR"],
  },
  links: { schema: links, own: [...onNetwork, "LINKS", "UPSTREAM"], without: ["LOG_LEVEL", "GRACE_MS"] },
  ops: {
    schema: ops,
    own: ["ENGINE", "OPS_INSIDE", "STACK"],
    // Inside the container every service has its own address, and make has read the file of settings. deploy/app sets APP.
    without: [
      ...Object.keys(defaultPorts),
      "APP",
      "ENV_FILE",
      "REDIS",
      "NATS",
      "SLO_WINDOWS",
      "KUBE_CONTEXT",
      "KUBECTL",
      "KUBE_OVERLAY",
    ],
  },
};

/** Variables of Node itself, not of a program. */
const nodesOwn = ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "NO_PROXY", "no_proxy"];

interface Service {
  image?: string;
  environment?: Record<string, string | number | null>;
  secrets?: string[];
  extends?: { service: string };
}

const root = join(import.meta.dirname, "../..");
/** Overlays extend the base file, so a service has the variables of all of them. */
const services = new Map<string, { image: string; environment: Record<string, string>; secrets: string[] }>();
const overlays = globSync("deploy/*/compose.yaml", { cwd: root }).sort();
// deploy/proxies, deploy/redis-sentinel and deploy/redis-cluster have parts that belong to other overlays.
for (const file of [
  "compose.yaml",
  ...overlays,
  ...globSync("deploy/{proxies,redis-sentinel,redis-cluster}/{app,chaos,minimal,tls}.yaml", { cwd: root }),
]) {
  const text = readFileSync(join(root, file), "utf8").replaceAll(/!(reset|override)\b ?/g, "");
  const { services: listed = {} } = parse(text, { merge: true }) as { services?: Record<string, Service | null> };
  for (const [name, service] of Object.entries(listed)) {
    // An application in place of the replicas. test/house/app-file.test.ts checks its settings.
    if (file === "deploy/app/compose.yaml" && name.startsWith("signaling-")) continue;
    const known = services.get(service?.extends?.service ?? name) ?? { image: "", environment: {}, secrets: [] };
    const given = Object.entries(service?.environment ?? {}).map(([variable, value]) => [variable, String(value)]);
    services.set(name, {
      image: service?.image ?? known.image,
      environment: { ...Object.fromEntries(given), ...known.environment },
      secrets: [...known.secrets, ...(service?.secrets ?? [])],
    });
  }
}
const ours = [...services].flatMap(([name, service]) => {
  const image = /^hold-the-line\/([a-z-]+):/.exec(service.image)?.[1];
  return image === undefined ? [] : [{ ...service, name, program: programs[image] }];
});

test("every container of a program of the project is compared with that program's settings", () => {
  expect(ours.map(({ name }) => name)).toEqual(expect.arrayContaining(["proxy", "signaling-5", "caller", "ops"]));
  expect(ours.filter(({ program }) => program === undefined).map(({ name }) => name)).toEqual([]);
});

describe.each(ours)("$name", ({ program, environment, secrets }) => {
  if (program === undefined) return;
  const { schema, own, without } = program;

  test("every setting reaches the container", () => {
    const missing = Object.entries(schema.shape).flatMap(([name, field]) => {
      if (without.includes(name)) return [];
      if (own.includes(name)) return environment[name] === undefined ? [`${name}: a value`] : [];
      if (isSecret(field)) {
        const secret = /^\/run\/secrets\/(\w+)$/.exec(environment[`${name}_FILE`] ?? "")?.[1];
        return secret !== undefined && secrets.includes(secret) ? [] : [`${name}_FILE: /run/secrets/<a secret of it>`];
      }
      const wanted = `\${${name}:-}`;
      return environment[name] === wanted ? [] : [`${name}: ${wanted}`];
    });
    expect(missing).toEqual([]);
  });

  test("the program reads every variable that the container has", () => {
    const read = new Set(
      Object.entries(schema.shape).flatMap(([name, field]) => (isSecret(field) ? [name, `${name}_FILE`] : [name])),
    );
    const unread = Object.keys(environment).filter((name) => !read.has(name) && !nodesOwn.includes(name));
    expect(unread).toEqual([]);
  });
});
