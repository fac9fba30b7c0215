import { z } from "zod";
import { list, milliseconds, port, programVariables, secret, wholeNumber } from "../../common/config.ts";

/** The caller's variables. */
export const schema = z.object({
  ...programVariables,
  ADMIN_PORT: port().default(9100).describe("Port of the admin listener"),
  TARGET_URL: list()
    .pipe(z.array(z.url()).min(1))
    .default(["http://127.0.0.1:8080"])
    .describe("Public URL of the proxy, where calls are placed; several, comma-separated: the best first"),
  CALLS: wholeNumber(0, 2_000).default(5).describe("Calls held permanently, so that there is always traffic; 0: none"),
  CALLS_PER_SECOND: wholeNumber(1, 500).default(5).describe("Rate at which the held calls are placed"),
  SIGNALS_PER_SECOND: wholeNumber(1, 100).default(2).describe("Numbered signals that each peer of a held call sends"),
  PROBE_EVERY_MS: milliseconds(0)
    .default(2_000)
    .describe("Interval of short calls, whose set-ups the SLO counts; 0: none"),
  PEER: z
    .string()
    .default("signaling")
    .describe("How callers speak: signaling, engine, websocket, or a file that exports `peer` (docs/adopt.md)"),
  PEER_PATH: z
    .string()
    .startsWith("/")
    .optional()
    .describe("Path that engine and websocket peers connect to; unset: /socket.io/ and /"),
  PEER_HELLO: z
    .string()
    .optional()
    .describe("First message of each engine or websocket connection; unset: a Socket.IO CONNECT, and nothing"),
  PEER_COOKIELESS: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe("Default share of peers without cookies, 0 to 1"),
  TOKEN: secret(z.string().min(1).optional()).describe("JWT of the peers, if the replicas require one"),
});

export type Config = z.output<typeof schema>;
