import { answerPasses } from "./headers.ts";

/** Largest head of a replica's answer to an upgrade, bytes. */
const headLimit = 16_384;

/** The head of an HTTP answer, as it came. All text is latin1: a character is a byte. */
export interface AnswerHead {
  status: number;
  /** As sent, `Name: value`. */
  lines: string[];
  /** What came after the head. */
  rest: string;
}

/**
 * Collects the head of the answer to an upgrade request from what is read off the socket: `push` returns it once it
 * is complete, undefined before.
 *
 * `push` throws on what is not an HTTP/1.1 answer or has a head over 16 KiB.
 */
export function createAnswerReader(): { push(chunk: string): AnswerHead | undefined } {
  let collected = "";
  return {
    push(chunk) {
      collected += chunk;
      const end = collected.indexOf("\r\n\r\n");
      if (end === -1) {
        if (collected.length > headLimit) throw new Error(`the answer's head is over ${headLimit} bytes`);
        return undefined;
      }
      const [statusLine = "", ...lines] = collected.slice(0, end).split("\r\n");
      const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine);
      if (match === null) throw new Error("the answer is not HTTP/1.1");
      return { status: Number(match[1]), lines, rest: collected.slice(end + 4) };
    },
  };
}

/** Body bytes that a head announces; Infinity: up to the connection's end. */
export function announcedLength({ lines }: AnswerHead): number {
  for (const line of lines) {
    const length = /^content-length:\s*(\d+)\s*$/i.exec(line)?.[1];
    if (length !== undefined) return Number(length);
  }
  return Number.POSITIVE_INFINITY;
}

/** The answer's head for the client: end-to-end headers, `Connection` as it is here, and the cookie, if any. */
export function clientHead({ status, lines }: AnswerHead, statusText: string, setCookie: string | undefined): string {
  let head = `HTTP/1.1 ${status} ${statusText}\r\n`;
  head += status === 101 ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "Connection: close\r\n";
  for (const line of lines)
    if (answerPasses(line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase())) head += `${line}\r\n`;
  return setCookie === undefined ? `${head}\r\n` : `${head}Set-Cookie: ${setCookie}\r\n\r\n`;
}
