import { answerPasses, withListed } from "../screen/headers.ts";

/** Largest head of a replica's answer to an upgrade, bytes. */
const headLimit = 16_384;

/** The head of an HTTP answer, as it came. All text is latin1: a character is a byte. */
export interface AnswerHead {
  status: number;
  /** As sent, each line with its line end. */
  fields: string;
  /** What came after the head. */
  rest: string;
}

/**
 * Reads the head of the answer to an upgrade request from what came so far. Undefined: it is not complete.
 *
 * @throws on what is not an HTTP/1.1 answer or has a head over 16 KiB
 */
export function readAnswerHead(text: string): AnswerHead | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) {
    if (text.length > headLimit) throw new Error(`the answer's head is over ${headLimit} bytes`);
    return undefined;
  }
  if (!/^HTTP\/1\.[01] \d{3}(?: |\r\n)/.test(text)) throw new Error("the answer is not HTTP/1.1");
  const fields = text.slice(text.indexOf("\r\n") + 2, end + 2);
  return { status: Number(text.slice(9, 12)), fields, rest: text.slice(end + 4) };
}

/** Body bytes that a head announces; Infinity: up to the connection's end. */
export function announcedLength({ fields }: AnswerHead): number {
  const length = /^content-length:[\t ]*(\d+)[\t ]*\r$/im.exec(fields)?.[1];
  return length === undefined ? Number.POSITIVE_INFINITY : Number(length);
}

/**
 * The answer's head for the client: end-to-end headers, `Connection` as it is here, and what the proxy adds.
 *
 * @param added whole header lines, each with its line end
 */
export function clientHead({ status, fields }: AnswerHead, statusText: string, added: string): string {
  let head = `HTTP/1.1 ${status} ${statusText}\r\n`;
  head += status === 101 ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "Connection: close\r\n";
  let listed: ReadonlySet<string> | undefined;
  eachField(fields, (name, line) => {
    if (name === "connection") listed = withListed(listed, line.slice(line.indexOf(":") + 1).trim());
  });
  eachField(fields, (name, line) => {
    if (answerPasses(name, listed)) head += line;
  });
  return `${head}${added}\r\n`;
}

/** Hands each header on: its name in lower case, and its line with the line end. A line without a name is no header. */
function eachField(fields: string, take: (name: string, line: string) => void): void {
  for (let at = 0; at < fields.length; ) {
    const next = fields.indexOf("\r\n", at) + 2;
    const line = fields.slice(at, next);
    const colon = line.indexOf(":");
    if (colon > 0) take(line.slice(0, colon).toLowerCase(), line);
    at = next;
  }
}
