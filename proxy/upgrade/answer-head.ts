import { answerPasses, withListed } from "../screen/headers.ts";

/** Largest head of a replica's answer to an upgrade, bytes. */
const headLimit = 16_384;

/** The unchanged head of an HTTP answer. All text is latin1: a character is a byte. */
export interface AnswerHead {
  status: number;
  /** As sent, each line with its line end. */
  fields: string;
  /** Bytes after the head. */
  rest: string;
}

/**
 * Reads the head of the answer to an upgrade request from what came so far, interim answers (103 and such) skipped.
 * Undefined: it is not complete.
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
  const status = Number(text.slice(9, 12));
  const rest = text.slice(end + 4);
  if (status < 200 && status !== 101) return readAnswerHead(rest);
  return { status, fields: text.slice(text.indexOf("\r\n") + 2, end + 2), rest };
}

/** How the body behind a head ends (RFC 9112, 6.3). */
export function bodyFraming({ status, fields }: AnswerHead): { chunked: boolean; length: number } {
  let chunked = false;
  let length = status === 204 || status === 304 ? 0 : Number.POSITIVE_INFINITY;
  eachField(fields, (name, line) => {
    const value = fieldValue(line);
    if (name === "transfer-encoding") chunked = value.toLowerCase() === "chunked";
    else if (name === "content-length" && /^\d{1,15}$/.test(value)) length = Math.min(length, Number(value));
  });
  return chunked ? { chunked, length: Number.POSITIVE_INFINITY } : { chunked, length };
}

/**
 * The answer's head for the client: end-to-end headers, `Connection` as it is here, and what the proxy adds.
 *
 * @param added whole header lines, each with its line end
 */
export function clientHead({ status, fields }: AnswerHead, statusText: string, added: string): string {
  let head = `HTTP/1.1 ${status} ${statusText}\r\n`;
  head += status === 101 ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "Connection: close\r\n";
  let lines = "";
  let listed: ReadonlySet<string> | undefined;
  let coded = false;
  eachField(fields, (name, line) => {
    if (name === "connection") listed = withListed(listed, fieldValue(line));
    else if (name === "transfer-encoding") coded = true;
    else if (answerPasses(name)) lines += line;
  });
  if (listed === undefined && !coded) return `${head}${lines}${added}\r\n`;
  eachField(lines, (name, line) => {
    // Beside a transfer coding a length says nothing (RFC 9112, 6.3).
    if (answerPasses(name, listed) && !(coded && name === "content-length")) head += line;
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

function fieldValue(line: string): string {
  return line.slice(line.indexOf(":") + 1).trim();
}
