import { z } from "zod";
import { flag, list, milliseconds, port, programVariables, secret, wholeNumber } from "../common/config.ts";
import { addressSet } from "../common/http/client-address.ts";
import { originList } from "../common/http/origin.ts";
import { parseServers } from "./names/resolver.ts";
import { parseReplicas } from "./routing/replica-spec.ts";
import { pathProblem } from "./screen/paths.ts";

/** Used when `STICKY_SECRET` is unset; the proxy says so once. A random one would move every cookie at a restart. */
export const defaultStickySecret = "hold-the-line";

/** A string parsed by `parse`. The message of its error says what is wrong with the variable. */
function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  });
}

/** Paths, comma-separated. */
function pathList({ wildcard }: { wildcard: boolean }) {
  return list().superRefine((entries, context) => {
    for (const entry of entries) {
      const message = pathProblem(entry, wildcard);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    }
  });
}

const cookieName = z.string().regex(/^[\w.-]{1,64}$/, "must be a cookie name: letters, digits, . _ -");

/** The proxy's environment. */
export const proxyConfig = z.object({
  ...programVariables,
  REPLICAS: parsed(parseReplicas).describe(
    "Replicas: id=http://host:port[|readyURL], comma-separated; {0..9} in an entry expands to ten",
  ),
  RESOLVER: parsed(parseServers)
    .default([])
    .describe("DNS servers for the replicas' names, comma-separated; unset: the system's resolver"),
  RESOLVE_INTERVAL_MS: milliseconds(50, 600_000)
    .default(1_000)
    .describe("Pause between two look-ups of a replica's name; its last address is kept while there is no answer"),
  PROXY_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("Address that the public listeners bind; 0.0.0.0 in a container"),
  PROXY_PORT: port().default(8080).describe("Public port; with TLS it only redirects"),
  PROXY_PROTOCOL_PORT: port()
    .optional()
    .describe("Port of the listener that demands a PROXY header (v1 or v2), for a balancer in front; unset: none"),
  PROXY_PROTOCOL_HOST: z
    .string()
    .optional()
    .describe("Address that this listener binds, on a network of the balancers alone; unset: PROXY_HOST"),
  PROXY_PROTOCOL_FROM: parsed(addressSet)
    .optional()
    .describe("Addresses or CIDRs, comma-separated, of the balancers whose PROXY headers are taken"),
  PROXY_ADMIN_PORT: port().default(9100).describe("Port of the proxy's admin listener"),
  PROXY_PATHS: pathList({ wildcard: true })
    .default(["/socket.io/", "/ws", "/", "/assets/"])
    .describe(
      "Proxied paths: /a/ is a prefix, /a/* a prefix with all methods, /* everything, /a (and /) exact; else 404",
    ),
  ENGINE_IO_PATHS: pathList({ wildcard: false })
    .default(["/socket.io/", "/engine.io/"])
    .describe("Proxied paths of Engine.IO, where all methods but CONNECT and TRACE pass"),
  STICKY_KEY: z
    .enum(["cookie", "ip", "room", "random"])
    .default("cookie")
    .describe("Route key that chooses the replica of a new session; random breaks stickiness on purpose"),
  STICKY_ROOM: z
    .string()
    .regex(/^(query:[\w.-]{1,64}|path:[1-9])$/, "must be query:<name> or path:<number of the part>, as in path:2")
    .default("query:room")
    .describe(
      "Place of the room for STICKY_KEY=room: a query parameter, or a part of the path (path:2 of /rooms/a is a)",
    ),
  STICKY_COOKIE: cookieName.default("sticky").describe("Name of the sticky cookie"),
  REPLICA_HEADER: z
    .string()
    .regex(/^[\w-]{1,64}$/, "must be a header name: letters, digits, _ -")
    .optional()
    .describe("Name of a header in which answers name the replica, for drills of other applications; unset: none"),
  STICKY_SECRET: secret(z.string().min(1)).optional().describe("Key of the hash from route key to replica"),
  TRUSTED_PROXIES: parsed(addressSet)
    .default(() => addressSet(""))
    .describe("Addresses or CIDRs, comma-separated, whose X-Forwarded-* or Forwarded headers are believed"),
  CLIENT_IPV6_PREFIX: wholeNumber(1, 128)
    .default(64)
    .describe("IPv6 addresses with this number of equal leading bits share the limits of one client"),
  ALLOWED_ORIGINS: originList()
    .optional()
    .describe("Origins whose pages may open WebSockets, besides the same origin; unset: the replicas decide"),
  PROBE_INTERVAL_MS: milliseconds(20, 600_000)
    .default(500)
    .describe("Interval of the probes of a replica, start to start"),
  PROBE_TIMEOUT_MS: milliseconds(20, 600_000).default(500).describe("Time-out of a probe"),
  PROBE_FALL: wholeNumber(1, 100).default(2).describe("Failed probes in a row that eject a replica"),
  PROBE_RISE: wholeNumber(1, 100).default(2).describe("Passed probes in a row that bring it back"),
  TRY_TIMEOUT_MS: milliseconds(10, 600_000)
    .default(3_000)
    .describe("Time-out of one try of a request that can be retried"),
  RETRY_DEADLINE_MS: milliseconds(10, 600_000).default(5_000).describe("Time-out of all tries of one request together"),
  PROXY_TIMEOUT_MS: milliseconds(1_000, 600_000)
    .default(60_000)
    .describe("Time-out of a silent replica in a request; must be above the 25 s of a poll"),
  TUNNEL_IDLE_MS: milliseconds(1_000, 86_400_000)
    .default(120_000)
    .describe("A tunnel without a byte either way for this time is closed; must be above the 25 s ping"),
  SHED_AFTER_MS: milliseconds(0, 600_000)
    .default(3_000)
    .describe("A replica that is degraded for this time while another is ready has its sessions moved"),
  SHED_PER_SECOND: wholeNumber(1, 100_000)
    .default(100)
    .describe("Sessions moved per second, off a degraded replica or a proxy that drains"),
  ADMIT_PER_SECOND: wholeNumber(1, 100_000).default(200).describe("New sessions per second and replica"),
  PROXIES: wholeNumber(1, 100)
    .default(1)
    .describe("Proxies that share the clients: each takes its part of the rates of new and moved sessions"),
  PROXY_TABLE_FILE: z
    .string()
    .optional()
    .describe("File that keeps what operators change in the table of replicas, shared by all proxies; unset: none"),
  ADMIT_QUEUE_MS: milliseconds(0, 60_000).default(1_000).describe("Longest wait for admission; beyond it 503"),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(20_000).describe("Client connections of all clients together"),
  MAX_CONNECTIONS_PER_CLIENT: wholeNumber(1, 1_000_000)
    .default(5_000)
    .describe("Client connections per address or IPv6 network; all behind one NAT share it"),
  MAX_SESSIONS_PER_CLIENT_PER_SECOND: wholeNumber(1, 1_000_000)
    .default(500)
    .describe("New sessions per second and client address or IPv6 network"),
  MAX_BODY_BYTES: wholeNumber(1, 1_000_000_000).default(1_048_576).describe("Largest request body; above it 413"),
  HEAD_TIMEOUT_MS: milliseconds(100, 600_000)
    .default(10_000)
    .describe(
      "A connection's first byte must arrive within this time, and a request's complete head within the same time after it",
    ),
  REQUEST_TIMEOUT_MS: milliseconds(100, 3_600_000)
    .default(20_000)
    .describe("A complete request, body included, must arrive within this time; raise it for large uploads"),
  MAX_PENDING_BYTES_PER_CLIENT: wholeNumber(65_536, 1_000_000_000)
    .default(16_777_216)
    .describe("Bytes of unfinished requests and of unread answers and messages per client address or IPv6 network"),
  PROXY_TUNING: z
    .enum(["on", "off"])
    .default("on")
    .describe(
      "off disables the optimisations that depend on internals of Node; the proxy behaves the same, at a higher cost",
    ),
  TLS_CERT: z.string().optional().describe("Path of a PEM certificate chain; with TLS_KEY it turns TLS on"),
  TLS_KEY: z.string().optional().describe("Path of its PEM key; SIGHUP loads both again"),
  PROXY_TLS_PORT: port().default(8443).describe("Public TLS port"),
  TLS_REDIRECT: flag().default(true).describe("With TLS, the plain port redirects to https"),
  TLS_REDIRECT_PORT: port().optional().describe("Port in that redirect, if it differs from PROXY_TLS_PORT"),
});
export type ProxyConfig = z.output<typeof proxyConfig>;
