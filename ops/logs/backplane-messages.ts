/** A pub/sub message as `redis-cli --csv PSUBSCRIBE` prints it. */
export interface CsvMessage {
  channel: string;
  /** The bytes, one for each character. */
  payload: string;
}

export type BackplaneEvent =
  | { kind: "heartbeat"; node: string }
  | {
      kind: "message";
      channel: string;
      /** The message's room, if it has one. */
      room?: string;
      /** The event, as far as it is visible without decoding. Never its content. */
      what: string;
      bytes: number;
    };

/** Begins the name of the channel that one replica alone listens to. The replica's id follows. */
export const inboxPrefix = "hold-the-line:replica:";
const events =
  /offer|answer|candidate|bye|peer-joined|peer-away|peer-left|presence|confirmed|snapshot|members|superseded|draining|error-report/;
/** Node id, run of the process, number. */
const heartbeat = /([a-z0-9][a-z0-9-]{0,62}) [\w-]{8} \d{1,15}/;
/** The room of a relay on a replica's own channel. */
const address = /\["((?:[^"\\]|\\.){1,128})",false,\[/;

/** Parses `"pmessage","*","<channel>","<payload>"`; undefined for other lines. */
export function parseCsvMessage(line: string): CsvMessage | undefined {
  const fields = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => unescapeCsv(match[1] ?? ""));
  const [type, , channel, payload] = fields;
  return type === "pmessage" && channel !== undefined && payload !== undefined ? { channel, payload } : undefined;
}

/** sdscatrepr of Redis: `\xHH`, `\n`, `\r`, `\t`, `\a`, `\b`, and `\"` and `\\`. */
function unescapeCsv(text: string): string {
  const single: Record<string, string> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (single[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Describes a message by its channel and the event names in it. */
export function readMessage({ channel, payload }: CsvMessage): BackplaneEvent {
  if (channel.endsWith(":canary")) return { kind: "heartbeat", node: heartbeat.exec(payload)?.[1] ?? "" };
  const room = channel.startsWith(inboxPrefix)
    ? address.exec(payload)?.[1]
    : (/^socket\.io#[^#]*#(?:r:)?(.+)#$/.exec(channel)?.[1] ?? /^room:(.+)$/.exec(channel)?.[1]);
  const what = events.exec(payload)?.[0] ?? (channel.includes("request") ? "between replicas" : "message");
  return { kind: "message", channel, ...(room === undefined ? {} : { room }), what, bytes: payload.length };
}
