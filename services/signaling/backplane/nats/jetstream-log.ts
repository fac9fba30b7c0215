import { AckPolicy, type ConsumerConfig, DeliverPolicy, type StreamInfo } from "@nats-io/jetstream";
import { createInbox, type Msg, nanos } from "@nats-io/transport-node";
import type { ConnectionScope } from "../reconnector.ts";
import type { Entry, Fields } from "../streams/stream-entry.ts";
import type { StreamStore } from "../streams/stream-log.ts";
import { answerWithinMs, entries, type JetStreamConnection } from "./jetstream-connection.ts";
import { inboxPrefix } from "./nats-connection.ts";

/** A consumer whose connection is gone is forgotten after this time, ms. */
const forgottenAfterMs = 5_000;

/** An entry's id: when the stream began, epoch ms, and the entry's number in it. A stream that began anew comes later. */
const idIn = (info: StreamInfo, sequence: number): string => `${Date.parse(info.created)}-${sequence}`;

function sequenceIn(info: StreamInfo, id: string): number {
  const [began, sequence] = id.split("-");
  return began === String(Date.parse(info.created)) ? Number(sequence) : 0;
}

/** The log in a JetStream stream. */
export function createJetStreamLog(): StreamStore<JetStreamConnection> {
  const consumer = (from: number, inbox: string): Partial<ConsumerConfig> => ({
    deliver_subject: inbox,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(forgottenAfterMs),
  });
  return {
    append: ({ publisher }, fields) =>
      publisher.publish(entries.subject, JSON.stringify(fields), { msgID: `${fields["by"]} ${fields["number"]}` }),
    async follow({ client, manager }, scope, cursor, take) {
      const info = await manager.streams.info(entries.name);
      const after = cursor === null ? info.state.last_seq : sequenceIn(info, cursor);
      const queue = createQueue(take, scope);
      let delivered = 0;
      const inbox = createInbox(inboxPrefix);
      client.subscribe(inbox, {
        callback(error, message) {
          // An error thrown here would end the client's reader, and the client would not notice.
          try {
            if (error !== null) throw error;
            const place = placeOf(message);
            delivered += 1;
            if (place.delivered !== delivered) throw new Error("an entry of the stream is missing: it is read anew");
            queue.push({ id: idIn(info, place.sequence), fields: fieldsOf(message) });
          } catch (thrown) {
            scope.abort(thrown);
          }
        },
      });
      await manager.consumers.add(entries.name, consumer(after + 1, inbox));
      queue.open();
      return idIn(info, after);
    },
    async oldest({ manager }) {
      const info = await manager.streams.info(entries.name);
      const { messages, first_seq, first_ts } = info.state;
      return messages === 0 ? undefined : { id: idIn(info, first_seq), at: Date.parse(first_ts) };
    },
    async *after({ client, manager }, id) {
      const info = await manager.streams.info(entries.name);
      const from = sequenceIn(info, id) + 1;
      if (from > info.state.last_seq) return;
      const inbox = createInbox(inboxPrefix);
      const messages = client.subscribe(inbox);
      const patience = setTimeout(() => messages.unsubscribe(), answerWithinMs);
      try {
        const { num_pending: count } = await manager.consumers.add(entries.name, consumer(from, inbox));
        let left = count;
        if (left > 0)
          for await (const message of messages) {
            const { sequence, pending } = placeOf(message);
            yield { id: idIn(info, sequence), fields: fieldsOf(message) };
            left = pending;
            if (left === 0) break;
          }
        if (left > 0) throw new Error(`the stream was not read to its end within ${answerWithinMs} ms`);
      } finally {
        clearTimeout(patience);
        messages.unsubscribe();
      }
    },
  };
}

/**
 * A message's number in its stream and for its consumer, and how many follow: its reply subject says so, in 9 tokens, or
 * in 11 and more with a domain (ADR-15 of nats-architecture-and-design).
 */
function placeOf({ reply = "" }: Msg): { sequence: number; delivered: number; pending: number } {
  const tokens = reply.split(".");
  const [, sequence = 0, delivered = 0, , pending = 0] = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number);
  return { sequence, delivered, pending };
}

/** Entries in their order, from `open` on. `take` may ask for a pause before the next one. */
function createQueue(take: (entry: Entry) => Promise<unknown> | undefined, scope: ConnectionScope) {
  const waiting: Entry[] = [];
  let busy = true;
  async function run(): Promise<void> {
    busy = true;
    for (let entry = waiting.shift(); entry !== undefined && !scope.signal.aborted; entry = waiting.shift()) {
      const pause = take(entry);
      if (pause !== undefined) await pause;
    }
    busy = false;
  }
  const start = () => void run().catch((error: unknown) => scope.abort(error));
  return {
    push(entry: Entry): void {
      waiting.push(entry);
      if (!busy) start();
    },
    /** In the next turn: the caller first learns where it begins. */
    open: () => void setImmediate(start),
  };
}

/** What an entry holds; nothing if no replica wrote it. */
function fieldsOf(message: Msg): Fields {
  try {
    const parsed: unknown = message.json();
    const isFields = typeof parsed === "object" && parsed !== null && Object.values(parsed).every(isText);
    return isFields ? (parsed as Fields) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
const isText = (value: unknown) => typeof value === "string";
