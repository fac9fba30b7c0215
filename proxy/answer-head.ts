import { answerPasses } from "./headers.ts";

/** Largest head of a replica's answer to an upgrade, bytes. */
const headLimit = 16_384;

/** The head of an HTTP answer, as it came. */
export interface AnswerHead {
  status: number;
  /** As sent, `Name: value`. */
  lines: string[];
  /** Body bytes announced; undefined: up to the connection's end. */
  length: number | undefined;
  /** What came after the head. */
  rest: Buffer;
}

/**
 * Collects the head of the answer to an upgrade request from what is read off the socket: `push` returns it once it
 * is complete, undefined before.
 *
 * `push` throws on what is not an HTTP/1.1 answer or has a head over 16 KiB.
 */
export function createAnswerReader(): { push(chunk: Buffer): AnswerHead | undefined } {
  let collected: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      collected = collected.length === 0 ? chunk : Buffer.concat([collected, chunk]);
      const end = collected.indexOf("\r\n\r\n");
      if (end === -1) {
        if (collected.length > headLimit) throw new Error(`the answer's head is over ${headLimit} bytes`);
        return undefined;
      }
      const [statusLine = "", ...lines] = collected.toString("latin1", 0, end).split("\r\n");
      const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine);
      if (match === null) throw new Error("the answer is not HTTP/1.1");
      const length = /^content-length:\s*(\d+)\s*$/i;
      const announced = lines.map((line) => length.exec(line)?.[1]).find((value) => value !== undefined);
      return {
        status: Number(match[1]),
        lines,
        length: announced === undefined ? undefined : Number(announced),
        rest: collected.subarray(end + 4),
      };
    },
  };
}

/** The answer's head for the client: end-to-end headers, `Connection` as it is here, and `extra` lines. */
export function clientHead({ status, lines }: AnswerHead, statusText: string, extra: readonly string[]): string {
  const passed = lines.filter((line) => answerPasses(line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase()));
  const connection = status === 101 ? ["Connection: Upgrade", "Upgrade: websocket"] : ["Connection: close"];
  return `${[`HTTP/1.1 ${status} ${statusText}`, ...connection, ...passed, ...extra].join("\r\n")}\r\n\r\n`;
}
