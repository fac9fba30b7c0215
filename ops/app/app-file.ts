import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { ConfigError } from "../../common/config.ts";

const path = z.string().regex(/^\/\S*$/, "must be a path: it begins with /");
const variable = z.string().regex(/^[A-Za-z_]\w*$/, "must be the name of a variable");

/** The variables of an application's file. The application gets all other variables of the file. */
export const schema = z.strictObject({
  APP_COMMAND: z.string().min(1).optional().describe("Shell command that starts it, for ENGINE=process"),
  APP_DIR: z.string().default(".").describe("Folder in which the command runs, from the file's own"),
  APP_IMAGE: z.string().min(1).optional().describe("Image that holds it, for ENGINE=compose"),
  APP_BUILD: z
    .string()
    .min(1)
    .optional()
    .describe("Folder with a Dockerfile that makes the image, from the file's own"),
  APP_MEMORY: z
    .string()
    .regex(/^[1-9]\d*[kmg]?$/i, "must be bytes, optionally followed by k, m or g")
    .default("256m")
    .describe("Memory limit of its container"),
  APP_READ_ONLY: z.enum(["true", "false"]).default("true").describe("false: it may write to its container's root"),
  APP_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(3_000)
    .describe("Port that it listens on in its container"),
  APP_PORT_VARIABLE: variable.default("PORT").describe("Variable that gives it its port"),
  APP_HOST_VARIABLE: variable.default("HOST").describe("Variable that gives it the address to listen on"),
  APP_NODE_VARIABLE: variable.default("NODE_ID").describe("Variable that gives it its name, signaling-1 …"),
  APP_REDIS_VARIABLE: variable.default("REDIS_URL").describe("Variable that gives it the URL of Redis"),
  APP_READY: path.default("/").describe("Path that answers 2xx to GET once it can take sessions"),
  APP_METRICS: path.optional().describe("Path of its Prometheus metrics; unset: it has none"),
  APP_PATHS: z.string().default("/*").describe("Paths that the proxy passes on, as PROXY_PATHS"),
  APP_ENGINE_IO_PATHS: z.string().default("/socket.io/").describe("Paths of APP_PATHS where Engine.IO answers"),
  APP_MAX_BODY_BYTES: z
    .string()
    .regex(/^\d{1,10}$/, "must be a number of bytes")
    .optional()
    .describe("Largest request body, as MAX_BODY_BYTES; unset: 1 MiB"),
  APP_PEER: z.string().default("engine").describe("How callers speak to it: engine, websocket, signaling, or a file"),
  APP_PEER_PATH: path.optional().describe("Path that callers connect to; unset: /socket.io/, and / for websocket"),
  APP_PEER_HELLO: z.string().optional().describe("First message of each caller's connection"),
});

/** An application that runs in place of the replicas. */
export interface App {
  /** Absolute path of the file that describes it. */
  file: string;
  command: string | undefined;
  dir: string;
  image: string | undefined;
  /** In its container. */
  port: number;
  variables: { port: string; host: string; node: string; redis: string };
  readyPath: string;
  metricsPath: string | undefined;
  paths: string;
  engineIoPaths: string;
  /** Undefined: the proxy's own limit. */
  maxBodyBytes: string | undefined;
  peer: { kind: string; path: string | undefined; hello: string | undefined };
  /** Variables of the file that go to the application. */
  env: Record<string, string>;
}

/**
 * Reads the file that `APP` names (docs/adopt.md).
 *
 * @throws ConfigError in one line: no such file, or each variable that is wrong with what it must be
 */
export function readApp(file: string): App {
  const absolute = resolve(file);
  if (!existsSync(absolute)) throw new ConfigError([`APP=${file}: there is no such file (docs/adopt.md describes it)`]);
  const all = Object.entries(parseEnv(readFileSync(absolute, "utf8").replace(/^\uFEFF/, ""))).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  const parsed = schema.safeParse(Object.fromEntries(all.filter(([name]) => name.startsWith("APP_"))));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: [name], message, code, ...issue }) =>
      code === "unrecognized_keys"
        ? `${(issue as { keys?: string[] }).keys?.join(", ")} is not known`
        : `${String(name)} ${message}`,
    );
    throw new ConfigError([`${file}: ${problems.join("; ")}`]);
  }
  const app = parsed.data;
  if (app.APP_COMMAND === undefined && app.APP_IMAGE === undefined)
    throw new ConfigError([`${file}: set APP_COMMAND for ENGINE=process, APP_IMAGE for ENGINE=compose, or both`]);
  const dir = resolve(dirname(absolute), app.APP_DIR);
  return {
    file: absolute,
    command: app.APP_COMMAND,
    dir,
    image: app.APP_IMAGE,
    port: app.APP_PORT,
    variables: {
      port: app.APP_PORT_VARIABLE,
      host: app.APP_HOST_VARIABLE,
      node: app.APP_NODE_VARIABLE,
      redis: app.APP_REDIS_VARIABLE,
    },
    readyPath: app.APP_READY,
    metricsPath: app.APP_METRICS,
    paths: app.APP_PATHS,
    engineIoPaths: app.APP_ENGINE_IO_PATHS,
    maxBodyBytes: app.APP_MAX_BODY_BYTES,
    peer: {
      kind: app.APP_PEER.startsWith(".") ? resolve(dirname(absolute), app.APP_PEER) : app.APP_PEER,
      path: app.APP_PEER_PATH,
      hello: app.APP_PEER_HELLO,
    },
    env: Object.fromEntries(all.filter(([name]) => !name.startsWith("APP_"))),
  };
}
