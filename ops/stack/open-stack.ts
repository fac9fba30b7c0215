import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readSecret } from "../../common/config.ts";
import { readApp } from "../app/app-file.ts";
import { insideEndpoints, insideLinksAdmin, insideReplica } from "../compose/endpoints.ts";
import { createComposeEngine } from "../compose/engine.ts";
import type { Config } from "../config.ts";
import { createKubernetesEngine, forwardedEndpoints } from "../kubernetes/engine.ts";
import { createKubectl } from "../kubernetes/kubectl.ts";
import { portsOf } from "../ports.ts";
import { createProcessEngine, hostEndpoints } from "../process/engine.ts";
import { hostNatsAccess } from "../process/nats-server.ts";
import { secretOf } from "../process/secrets.ts";
import { openStateDir, type StackLayout, type StateDir } from "../process/state-dir.ts";
import { CannotError, type Engine } from "./engine.ts";
import { proxyIds } from "./proxy-id.ts";

/** A stack, for commands, chaos actions and drills. */
export interface Stack {
  engine: Engine;
  /** Path of the repository. */
  root: string;
  /** `.stack/<name>`: the running services, their logs, the record of faults. */
  state: StateDir;
  layout: StackLayout;
  baseEnv: NodeJS.ProcessEnv;
  /** Variables that the environment sets otherwise than the `up` of this stack did; they do not count. */
  overruled: readonly string[];
  /** Encrypts the hidden fault of a game day; undefined: nobody can see it. */
  trainerToken: string | undefined;
}

/** Variables that name a stack, and are no setting of it. */
const naming = ["ENGINE", "STACK", "PORT_BASE", "ENV_FILE"];

/**
 * Opens the stack that `config` names, running or not. On a running stack the ports and settings of its `up` apply, not
 * those of the environment.
 */
export function openStack(root: string, config: Config, env: NodeJS.ProcessEnv): Stack {
  const state = openStateDir(root, config.STACK);
  const known = knownVariables(join(root, ".env.example"));
  const given = Object.fromEntries(
    known.flatMap((name) => {
      const value = env[name];
      return value === undefined || value === "" ? [] : [[name, value] as const];
    }),
  );
  const { portBase, settings } = state.stack() ?? { portBase: config.PORT_BASE, settings: given };
  const overruled = Object.keys(given).filter((name) => !naming.includes(name) && settings[name] !== given[name]);
  const file = settings["APP"];
  const app = file === undefined ? undefined : readApp(resolve(root, file));
  const port = portsOf(portBase, settings);
  const baseEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !known.includes(name)));
  const layout = { root, dir: state.dir, port, settings, app };
  const adminToken = config.ADMIN_TOKEN ?? secretOf(layout, "ADMIN_TOKEN");
  const inside = config.OPS_INSIDE !== undefined;
  const kind = config.ENGINE ?? state.engine();
  const engine =
    kind === "compose"
      ? createComposeEngine({
          stack: config.STACK,
          endpoints: inside ? insideEndpoints(adminToken, app, proxyIds(settings)) : hostEndpoints(layout, adminToken),
          linksAdmin: inside ? insideLinksAdmin : `http://127.0.0.1:${port("LINK_ADMIN_PORT")}`,
          replica: insideReplica(app),
          natsPassword: () => readSecret("/run/secrets/nats_ops_password"),
          targetsDir: inside ? join(root, "prometheus", "targets") : undefined,
        })
      : kind === "kubernetes"
        ? createKubernetesEngine({
            stack: config.STACK,
            endpoints: forwardedEndpoints(port, adminToken),
            kubectl: createKubectl(config.KUBECTL, contextOf(config), config.STACK),
            natsAccess: (id) => hostNatsAccess(layout, id),
          })
        : createProcessEngine({ stack: config.STACK, state, layout, baseEnv });
  const trainerToken = config.TRAINER_TOKEN ?? secretOf(layout, "TRAINER_TOKEN");
  return { engine, root, state, layout, baseEnv, overruled, trainerToken };
}

/** @throws CannotError without a context: a command must not reach a cluster that nobody named */
function contextOf({ KUBE_CONTEXT }: Config): string {
  if (KUBE_CONTEXT === undefined) throw new CannotError("ENGINE=kubernetes needs KUBE_CONTEXT, the context to use");
  return KUBE_CONTEXT;
}

/** Names of the variables that .env.example lists, commented out or not. Empty without that file. */
function knownVariables(envExample: string): string[] {
  if (!existsSync(envExample)) return [];
  return readFileSync(envExample, "utf8")
    .split("\n")
    .flatMap((line) => /^#? ?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? []);
}
