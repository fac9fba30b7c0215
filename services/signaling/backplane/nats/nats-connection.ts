import { connect, type NatsConnection, type NodeConnectionOptions, type Subscription } from "@nats-io/transport-node";
import type { Log } from "../../../../common/log.ts";
import type { Config } from "../../config.ts";
import type { BackplaneConnection } from "../backplane.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { subjectOf } from "./subject.ts";

/** Maximum number of bytes that the server has not confirmed. Above it nothing more is sent. */
const maxUnconfirmedBytes = 16_777_216;
/** The server is asked to confirm after so many bytes. */
const confirmEveryBytes = 1_048_576;
/** Interval of the client's own pings, ms. The canary finds a silent server sooner. */
const pingEveryMs = 1_000;

/** Answers come to subjects below this one, which a replica's user may subscribe to. */
export const inboxPrefix = "hold-the-line.inbox";

export type NatsBackplaneConnection = BackplaneConnection & { client: NatsConnection };

/** Options of the next connection. Servers take turns, so that one which does not answer is not asked twice in a row. */
export function createNatsTarget({ NODE_ID, NATS_URL, NATS_USERNAME, NATS_PASSWORD }: Config) {
  let turn = Math.floor(Math.random() * NATS_URL.length);
  return {
    next(): NodeConnectionOptions {
      const url = new URL(NATS_URL[turn % NATS_URL.length] ?? "nats://127.0.0.1:4222");
      turn += 1;
      const user = NATS_USERNAME ?? decodeURIComponent(url.username);
      const pass = NATS_USERNAME === undefined ? decodeURIComponent(url.password) : (NATS_PASSWORD ?? "");
      return {
        name: NODE_ID,
        servers: `${url.hostname}:${url.port || 4222}`,
        ...(user === "" ? {} : { user, pass }),
        // Without it the client would take a server without TLS.
        ...(url.protocol === "tls:" ? { tls: {} } : {}),
      };
    },
  };
}

/**
 * Connects to NATS. The client's own reconnect is off: it gives up after ten attempts, and sends what it has kept
 * meanwhile when it is late. The end of the connection ends the scope, and the reconnector opens a new one.
 */
export async function openNats(
  options: NodeConnectionOptions,
  scope: ConnectionScope,
  log: Log,
): Promise<NatsBackplaneConnection> {
  const { signal } = scope;
  const client = await connect({
    ...options,
    reconnect: false,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    inboxPrefix,
    pingInterval: pingEveryMs,
  });
  const destroy = () => void client.close().catch((err: unknown) => log.debug({ err }, "NATS connection not closed"));
  if (signal.aborted) {
    destroy();
    throw signal.reason;
  }
  /** Ends what waits for the server: the client leaves that unsettled when its connection closes. */
  const waiting = new Set<(reason: unknown) => void>();
  signal.addEventListener(
    "abort",
    () => {
      for (const reject of waiting) reject(signal.reason);
      destroy();
    },
    { once: true },
  );
  client.closed().then(
    (error) => scope.abort(error instanceof Error ? error : new Error("NATS closed the connection")),
    (error: unknown) => scope.abort(error),
  );
  async function watchErrors(): Promise<void> {
    // Among them a refused permission. A connection that may not do all it should is of no use.
    for await (const status of client.status()) if (status.type === "error") scope.abort(status.error);
  }
  watchErrors().catch((error: unknown) => scope.abort(error));

  let pong: Promise<void> | undefined;
  /** Resolves when the server has processed all that was sent so far. One question for all who ask in one turn. */
  function processed(): Promise<void> {
    pong ??= Promise.resolve().then(async () => {
      pong = undefined;
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.add(reject);
      client.flush().then(resolve, reject);
      try {
        await promise;
      } finally {
        waiting.delete(reject);
      }
    });
    return pong;
  }

  const subscriptions = new Map<string, Subscription>();
  let sentBytes = 0;
  let confirmedBytes = 0;
  let asked = false;

  async function confirm(): Promise<void> {
    asked = true;
    const bytes = sentBytes;
    await processed();
    confirmedBytes = bytes;
    asked = false;
  }

  return {
    client,
    publish(_kind, channel, message): undefined {
      signal.throwIfAborted();
      if (sentBytes - confirmedBytes > maxUnconfirmedBytes) throw new Error("NATS does not take what is published");
      client.publish(subjectOf(channel), message);
      sentBytes += message.length;
      // Rejects with the end of the connection, which the scope reports.
      if (!asked && sentBytes - confirmedBytes > confirmEveryBytes) confirm().catch((error) => scope.abort(error));
    },
    subscribe(_kind, channel, listener) {
      const name = Buffer.from(channel);
      subscriptions.get(channel)?.unsubscribe();
      const subscription = client.subscribe(subjectOf(channel), {
        callback(error, { data }) {
          // An error thrown here would end the client's reader, and the client would not notice.
          try {
            if (error !== null) throw error;
            listener(Buffer.from(data.buffer, data.byteOffset, data.length), name);
          } catch (thrown) {
            scope.abort(thrown);
          }
        },
      });
      subscriptions.set(channel, subscription);
      return processed();
    },
    async unsubscribe(_kind, channel) {
      subscriptions.get(channel)?.unsubscribe();
      subscriptions.delete(channel);
    },
    // Only an account with system rights could ask the servers.
    listeners: async () => Number.POSITIVE_INFINITY,
    destroy,
  };
}
