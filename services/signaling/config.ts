import { z } from "zod";
import { list, milliseconds, port, programVariables, secret, wholeNumber } from "../../common/config.ts";
import { originList } from "../../common/http/origin.ts";

/** The replica's variables. */
export const schema = z
  .object({
    ...programVariables,
    NODE_ID: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be a host name: a-z, 0-9 and -")
      .default("signaling-1")
      .describe("Name of this replica: the first part of its session ids, and its label in logs and metrics"),
    HOST: z.string().default("127.0.0.1").describe("Address that the public listener binds"),
    PORT: port().default(3000).describe("Port of the public listener: Socket.IO, /ws, the call page"),
    ADMIN_PORT: port().default(9100).describe("Port of the admin listener"),
    REDIS_URL: list()
      .refine(
        (urls) => urls.length > 0 && urls.every(isRedisUrl),
        "must be redis:// or rediss:// URLs, comma-separated",
      )
      .prefault("redis://127.0.0.1:6379")
      .describe(
        "URL of the backplane's Redis; several, comma-separated, are nodes of a Redis Cluster (BACKPLANE=sharded)",
      ),
    REDIS_USERNAME: z.string().optional().describe("ACL user at Redis"),
    REDIS_PASSWORD: secret(z.string().optional()).describe("Password at Redis"),
    REDIS_SENTINELS: list()
      .refine(
        (urls) => urls.length > 0 && urls.every(isRedisUrl),
        "must be redis:// or rediss:// URLs, comma-separated",
      )
      .optional()
      .describe("Sentinels that know where the master is, comma-separated URLs; REDIS_URL is not used then"),
    REDIS_SENTINEL_USERNAME: z
      .string()
      .optional()
      .describe("ACL user at the Sentinels, `default` where they have a password alone; unset: the URLs' credentials"),
    REDIS_SENTINEL_PASSWORD: secret(z.string().optional()).describe("Password of that user"),
    REDIS_MASTER_NAME: z.string().min(1).default("hold-the-line").describe("Name of the master at the Sentinels"),
    REDIS_ADDRESS_MAP: list()
      .pipe(
        z.array(
          z
            .string()
            .regex(/^[^\s=:]{1,253}:\d{1,5}=[^\s=:]{1,253}:\d{1,5}$/, "must be host:port=host:port, comma-separated"),
        ),
      )
      .optional()
      .describe(
        "Where to reach a server that the Sentinels or a cluster name, if not at that address: `named:6379=reached:6391`",
      ),
    BACKPLANE: z
      .enum(["pubsub", "sharded", "streams", "nats"])
      .default("pubsub")
      .describe("Backplane, which carries room messages between replicas"),
    NATS_URL: list()
      .refine((urls) => urls.length > 0 && urls.every(isNatsUrl), "must be nats:// or tls:// URLs, comma-separated")
      .prefault("nats://127.0.0.1:4222")
      .describe("With BACKPLANE=nats: URLs of the servers of one NATS cluster, comma-separated; they take turns"),
    NATS_USERNAME: z.string().optional().describe("User at NATS; unset: the credentials of the URL"),
    NATS_RECOVERY: z
      .enum(["off", "on"])
      .default("off")
      .describe(
        "With BACKPLANE=nats: on: signals go through a JetStream stream in memory, and a session is recovered as with streams; off: they go by core NATS alone",
      ),
    NATS_PASSWORD: secret(z.string().optional()).describe("Password of that user"),
    RELAY: z
      .enum(["addressed", "adapter"])
      .default("addressed")
      .describe(
        "addressed: a signal goes to the replicas that hold members of its room, each on a channel of its own; adapter: the adapter's broadcast, always",
      ),
    RECOVERY_MAX_MS: milliseconds(0, 120_000)
      .default(10_000)
      .describe(
        "With BACKPLANE=streams, or NATS_RECOVERY=on: time after its connection closed in which a session can be recovered with its missed signals",
      ),
    STREAM_MAX_BYTES: wholeNumber(1_048_576, 1_073_741_824)
      .default(33_554_432)
      .describe(
        "With BACKPLANE=streams, or NATS_RECOVERY=on: maximum size of the stream; above it the oldest entries are trimmed. In Redis use half of maxmemory",
      ),
    RESUME_SECRET: secret(z.string().min(16).optional()).describe(
      "Key of the resume tokens, the same on every replica; a fixed development value when unset",
    ),
    BACKPLANE_SECRET: secret(z.string().min(16).optional()).describe(
      "Key that authenticates replicas on the backplane, the same on all; unset: derived from RESUME_SECRET",
    ),
    ALLOWED_ORIGINS: originList()
      .optional()
      .describe("Origins whose pages may connect, comma-separated, or *; unset: same origin, or no Origin header"),
    PAGE_DIR: z.string().default("web/dist").describe("Folder of the built call page"),
    PAGE_URLS: list()
      .default([])
      .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).href)))
      .describe(
        "Further addresses of this stack, comma-separated URLs, that the call page connects to when its own fails; they must allow its origin in ALLOWED_ORIGINS",
      ),
    HALF_CLOSE: z
      .enum(["hold", "end"])
      .default("hold")
      .describe("A client's side of a WebSocket ends: hold the other side until all replicas know, or end it at once"),
    AWAY_GRACE_MS: milliseconds(0, 600_000)
      .default(10_000)
      .describe("Time for which a lost peer is away before it has left"),
    DRAIN_PER_SECOND: wholeNumber(1, 100_000).default(100).describe("Sockets that a drain closes per second"),
    MAX_EVENT_BYTES: wholeNumber(1_024, 16_777_216).default(65_536).describe("Largest event; above: too-large"),
    MAX_MESSAGE_BYTES: wholeNumber(1_024, 16_777_216)
      .default(262_144)
      .describe("Largest transport message; above: 413 or a closed WebSocket"),
    MAX_BUFFERED_BYTES: wholeNumber(65_536, 1_073_741_824)
      .default(1_048_576)
      .describe("Unread bytes of a socket; above it the socket is closed as a slow consumer"),
    WS_PING_MS: milliseconds(50, 600_000)
      .default(25_000)
      .describe("Ping interval of the raw WebSocket gateway; two missed pongs close the connection"),
    MAX_ROOM_MEMBERS: wholeNumber(2, 10_000).default(64).describe("Members a room; above: room-full"),
    MAX_ROOMS_PER_SOCKET: wholeNumber(1, 10_000).default(32).describe("Rooms a socket may be in"),
    EVENT_BURST: wholeNumber(1, 1_000_000).default(2_000).describe("Burst of events of a connection"),
    EVENTS_PER_SECOND: wholeNumber(1, 1_000_000).default(500).describe("Refill of the event burst, per second"),
    JOIN_BURST: wholeNumber(1, 1_000_000)
      .default(200)
      .describe("Burst of joins and leaves of a connection; each one is announced to all replicas"),
    JOINS_PER_SECOND: wholeNumber(1, 1_000_000).default(20).describe("Refill of the join burst, per second"),
    CLIENT_EVENT_BURST: wholeNumber(1, 100_000_000)
      .default(5_000)
      .describe("Burst of events of all connections of one client address at a replica; raise it where a NAT is large"),
    CLIENT_EVENTS_PER_SECOND: wholeNumber(1, 100_000_000)
      .default(5_000)
      .describe("Refill of a client address's event burst, per second"),
    CLIENT_JOIN_BURST: wholeNumber(1, 100_000_000)
      .default(500)
      .describe("Burst of joins and leaves of all connections of one client address at a replica"),
    CLIENT_JOINS_PER_SECOND: wholeNumber(1, 100_000_000)
      .default(200)
      .describe("Refill of a client address's join burst, per second"),
    CLIENT_IPV6_PREFIX: wholeNumber(1, 128)
      .default(64)
      .describe("IPv6 addresses with this number of equal leading bits share the limits of one client"),
    BODY_TIMEOUT_MS: milliseconds(100, 600_000)
      .default(10_000)
      .describe("Deadline for the body of a polling POST; after it 408"),
    MAX_UNFINISHED_BYTES: wholeNumber(1_048_576, 17_179_869_184)
      .default(16_777_216)
      .describe("Bytes of unfinished input of all clients; above it the largest holder is disconnected"),
    MAX_UNREAD_BYTES: wholeNumber(1_048_576, 17_179_869_184)
      .default(16_777_216)
      .describe("Unread bytes of all clients; above it the largest holder is closed as a slow consumer"),
    OVERLOAD_LAG_MS: milliseconds(1, 60_000)
      .default(200)
      .describe(
        "New peers are refused while the event loop is busy and its p99 delay is above this; existing calls come first",
      ),
    AUTH: z.enum(["none", "jwt"]).default("none").describe("jwt: every connection needs a token"),
    JWT_SECRET: secret(z.string().min(16).optional()).describe("Key of HS256 tokens"),
    JWKS_URL: z.url().optional().describe("Key set of asymmetric tokens, instead of JWT_SECRET"),
    JWT_AUDIENCE: z.string().optional().describe("Required aud of tokens; unset: not checked"),
    JWT_ISSUER: z.string().optional().describe("Required iss of tokens; unset: not checked"),
    JWT_WITHOUT_ROOMS: z
      .enum(["all", "none"])
      .optional()
      .describe("Rooms that a token without the claim rooms opens; unset: all with JWT_SECRET, none with JWKS_URL"),
    TURN_URLS: list().default([]).describe("turn: and stun: URLs in a join ack, comma-separated"),
    TURN_SECRET: secret(z.string().optional()).describe("Secret shared with the TURN server (REST credentials)"),
  })
  .superRefine(({ AUTH, JWT_SECRET, JWKS_URL, JWT_AUDIENCE, JWT_ISSUER }, context) => {
    if (AUTH === "jwt" && JWT_SECRET === undefined && JWKS_URL === undefined)
      context.addIssue({ code: "custom", path: ["JWT_SECRET"], message: "AUTH=jwt needs it, or JWKS_URL" });
    if (JWKS_URL !== undefined && JWT_AUDIENCE === undefined && JWT_ISSUER === undefined)
      context.addIssue({
        code: "custom",
        path: ["JWKS_URL"],
        message:
          "needs JWT_AUDIENCE or JWT_ISSUER: else tokens for other services of that identity provider would be accepted",
      });
  });

function isRedisUrl(url: string): boolean {
  return URL.canParse(url) && ["redis:", "rediss:"].includes(new URL(url).protocol);
}

function isNatsUrl(url: string): boolean {
  return URL.canParse(url) && ["nats:", "tls:"].includes(new URL(url).protocol);
}

export type Config = z.output<typeof schema>;
