import { connect } from "@nats-io/transport-node";
import type { CsvMessage } from "../logs/backplane-messages.ts";

/** Where a NATS server is, and as whom to connect to it. */
export interface NatsAccess {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** Subjects of answers of the server, and of the stream of `NATS_RECOVERY=on`. */
const answers = /^hold-the-line\.inbox\./;
const entries = "hold-the-line.stream.entries";

/**
 * The replicas' messages that pass a NATS server, until it is lost or `signal` is aborted. The channel is what the
 * replicas call it, and the payload has one character a byte.
 */
export async function* natsMessages(
  { host, port, user, password }: NatsAccess,
  signal: AbortSignal,
): AsyncGenerator<CsvMessage> {
  const client = await connect({ servers: `${host}:${port}`, user, pass: password, reconnect: false, timeout: 2_000 });
  const stop = () => void client.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const { subject, data } of client.subscribe("hold-the-line.>")) {
      const message = readSubject(subject, Buffer.from(data).toString("latin1"));
      if (message !== undefined) yield message;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await client.close();
  }
}

/** Undefined for what is no message of a replica to others. */
export function readSubject(subject: string, payload: string): CsvMessage | undefined {
  if (answers.test(subject)) return undefined;
  if (subject === entries) return payload.includes('"canary":') ? undefined : { channel: "stream", payload };
  const [, token = "", ...more] = subject.split(".");
  return more.length > 0 ? undefined : { channel: decodeURIComponent(token), payload };
}
