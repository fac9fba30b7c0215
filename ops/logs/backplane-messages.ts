/** A pub/sub message as `redis-cli --csv PSUBSCRIBE` prints it. */
export interface CsvMessage {
  channel: string;
  /** Bytes, one a character. */
  payload: string;
}

export type BackplaneEvent =
  | { kind: "heartbeat"; node: string }
  | {
      kind: "message";
      channel: string;
      /** The room that it is for, where it is for one. */
      room?: string;
      /** The event inside, as far as it can be told without decoding; never its content. */
      what: string;
      bytes: number;
    };

const events =
  /offer|answer|candidate|bye|peer-joined|peer-away|peer-left|presence|confirmed|snapshot|members|superseded|draining|error-report/;
/** Node id, run of the process, number. */
const heartbeat = /([a-z0-9][a-z0-9-]{0,62}) [\w-]{8} \d{1,15}/;
/** Where a relay on a replica's own channel goes: a room, not a peer. */
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

/** Says what a message is, from its channel and the event names in it. */
export function readMessage({ channel, payload }: CsvMessage): BackplaneEvent {
  if (channel.endsWith(":canary")) return { kind: "heartbeat", node: heartbeat.exec(payload)?.[1] ?? "" };
  const room = channel.startsWith("hold-the-line:replica:")
    ? address.exec(payload)?.[1]
    : (/^socket\.io#[^#]*#(?:r:)?(.+)#$/.exec(channel)?.[1] ?? /^room:(.+)$/.exec(channel)?.[1]);
  const what = events.exec(payload)?.[0] ?? (channel.includes("request") ? "between replicas" : "message");
  return { kind: "message", channel, ...(room === undefined ? {} : { room }), what, bytes: payload.length };
}
