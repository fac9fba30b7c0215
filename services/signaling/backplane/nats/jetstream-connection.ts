import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  StorageType,
} from "@nats-io/jetstream";
import { type NodeConnectionOptions, nanos } from "@nats-io/transport-node";
import type { Log } from "../../../../common/log.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { type NatsBackplaneConnection, openNats } from "./nats-connection.ts";
import { entriesSubject } from "./subject.ts";

/** The one stream of all replicas and namespaces, and its only subject. */
export const entries = { name: "hold-the-line", subject: entriesSubject };
/** Its subjects have the session's name behind a dot. */
export const sessions = { name: "hold-the-line-sessions", subjects: "hold-the-line.stream.session" };
/** Entries are kept for this much longer than they can be replayed, ms. */
const marginMs = 5_000;
/** Time-out of a question to JetStream, and of reading a stream to its end, ms. */
export const answerWithinMs = 2_000;
/** JetStream's error code: the stream of that name has other settings. */
const otherSettings = 10_058;
/** Streams keep their messages for this long at least: NATS takes 0 for ever, ms. */
const leastMs = 1_000;

export type JetStreamConnection = NatsBackplaneConnection & { publisher: JetStreamClient; manager: JetStreamManager };

interface Limits {
  /** Signals are replayed for this long, ms. */
  maxAgeMs: number;
  /** Maximum size of each stream, bytes. */
  maxBytes: number;
  /** Servers that have a copy. */
  copies: 1 | 3;
}

/**
 * Connects, and makes the two streams if they are not there: they live in memory and end with their server. Nothing that
 * is kept in them needs to outlive it.
 */
export async function openJetStream(
  options: NodeConnectionOptions,
  limits: Limits,
  scope: ConnectionScope,
  log: Log,
): Promise<JetStreamConnection> {
  const connection = await openNats(options, scope, log);
  const settings = { timeout: answerWithinMs };
  const manager = await jetstreamManager(connection.client, { ...settings, checkAPI: false });
  const made = Promise.all([
    ensureStream(manager, limits, { name: entries.name, subjects: [entries.subject] }, limits.maxAgeMs + marginMs),
    ensureStream(
      manager,
      limits,
      { name: sessions.name, subjects: [`${sessions.subjects}.*`], max_msgs_per_subject: 1 },
      limits.maxAgeMs,
    ),
  ]);
  await made.catch((cause: Error) => {
    const needs = "JetStream with memory for two streams of STREAM_MAX_BYTES, and the rights of nats/nats.conf";
    throw new Error(`NATS_RECOVERY=on has no stream: ${cause.message} (it needs ${needs})`, { cause });
  });
  return { ...connection, manager, publisher: jetstream(connection.client, settings) };
}

async function ensureStream(
  { streams }: JetStreamManager,
  { maxBytes, copies }: Limits,
  own: { name: string; subjects: string[]; max_msgs_per_subject?: number },
  wantedMs: number,
): Promise<void> {
  const keepMs = Math.max(wantedMs, leastMs);
  const config = {
    ...own,
    storage: StorageType.Memory,
    num_replicas: copies,
    discard: DiscardPolicy.Old,
    max_age: nanos(keepMs),
    max_bytes: maxBytes,
    // An entry that another one copies is not stored again.
    duplicate_window: nanos(Math.min(keepMs, 120_000)),
  };
  try {
    await streams.add(config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== otherSettings) throw error;
    await streams.update(own.name, config);
  }
}
