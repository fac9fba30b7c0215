import type { IncomingMessage, ServerResponse } from "node:http";
import { parse as parseForm } from "node:querystring";
import { setImmediate as nextTurn } from "node:timers/promises";
import { freeNow } from "../../../common/http/free-buffers.ts";
import type { EngineSocket } from "./install-intake.ts";
import type { Ledger } from "./ledger.ts";
import type { Pace } from "./pace.ts";

/** Separates the packets of a payload (Engine.IO protocol 4, "payload"). */
const separator = "\x1e";
/** Engine.IO's words for a poll whose client has gone. */
const pollCut = "poll connection closed prematurely";
/** Time for the last words of a page behind the end of its poll, ms. */
const lastWordsMs = 250;
/** Packets that are handled before others get their turn. */
const packetsATurn = 500;
/** A body is read to this length even while much is unfinished elsewhere, bytes. */
const smallBytes = 8_192;
/** Approximate memory of a chunk besides its bytes. */
const overheadBytes = 128;

interface EnginePacket {
  type: string;
  data?: unknown;
}

/** The used part of Engine.IO's polling transport. */
export interface PollingTransport {
  dataReq: IncomingMessage | null;
  dataRes: ServerResponse | null;
  /** True while a poll waits for packets. */
  writable: boolean;
  readonly parser: { decodePacket(packet: string): EnginePacket };
  onDataRequest(request: IncomingMessage, response: ServerResponse): void;
  onPacket(packet: EnginePacket): void;
  onClose(): void;
  onError(message: string): void;
  headers(request: IncomingMessage, headers: Record<string, string>): Record<string, string>;
}
export const pollingMethods = ["onDataRequest", "onPacket", "onClose", "onError", "headers"] as const;

/**
 * Takes the POSTs of a polling transport in place of Engine.IO, which reads them without a deadline and handles all
 * their packets at once. Here a body must be complete within `withinMs`, the ledger counts what is not complete, and
 * the answer waits until the packets are handled at the connection's pace. 408, 413 and 503 say what was too much; the
 * session goes on.
 */
export function takePollBodies(
  transport: PollingTransport,
  options: { connection: EngineSocket; pace: Pace; unfinished: Ledger; maxBytes: number; withinMs: number },
): void {
  const { connection, pace, unfinished, maxBytes, withinMs } = options;

  transport.onDataRequest = (request, response) => {
    if (transport.dataReq !== null && transport.dataReq !== undefined) {
      transport.onError("data request overlap from client");
      response.writeHead(400).end();
      return;
    }
    // Binary bodies are of protocol 3, which is not spoken here.
    if (request.headers["content-type"] === "application/octet-stream") {
      transport.onError("invalid content");
      response.writeHead(400).end();
      return;
    }
    transport.dataReq = request;
    transport.dataRes = response;
    let chunks: Buffer[] = [];
    let bytes = 0;
    const body = { evict: () => refuse(503) };
    const timer = setTimeout(() => refuse(408), withinMs);

    function stopReading(): void {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onAborted);
    }
    function finish(): void {
      stopReading();
      freeNow(chunks);
      chunks = [];
      unfinished.enter(body, 0);
      response.off("close", onGone);
      transport.dataReq = null;
      transport.dataRes = null;
    }
    /** The rest of the body is not read. */
    function refuse(status: number): void {
      if (transport.dataReq !== request) return;
      finish();
      if (response.headersSent) return;
      response.writeHead(status, { connection: "close" }).end();
    }
    function onAborted(): void {
      finish();
      transport.onError("data request connection closed prematurely");
    }
    function onGone(): void {
      if (!response.writableFinished) onAborted();
    }
    function onData(chunk: Buffer): void {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        refuse(413);
        return;
      }
      chunks.push(chunk);
      unfinished.enter(body, bytes + chunks.length * overheadBytes);
      if (bytes > smallBytes && unfinished.isPressed()) {
        request.pause();
        unfinished.onRoom(() => request.resume());
      }
    }
    function onEnd(): void {
      stopReading();
      response.on("close", onGone);
      const whole = Buffer.concat(chunks, bytes);
      const text = "head" in transport ? fromForm(whole.toString("utf8")) : whole.toString("utf8");
      freeNow([...chunks, whole]);
      chunks = [];
      feed(text).then(
        () => {
          if (transport.dataReq !== request) return;
          finish();
          const headers = { "Content-Type": "text/html", "Content-Length": "2" };
          response.writeHead(200, transport.headers(request, headers)).end("ok");
        },
        (error: Error) => {
          refuse(400);
          transport.onError(error.message);
        },
      );
    }
    /** Handles the packets of a payload, each in its turn. */
    async function feed(payload: string): Promise<void> {
      let count = 0;
      for (let at = 0; at <= payload.length && transport.dataReq === request; ) {
        const found = payload.indexOf(separator, at);
        const end = found < 0 ? payload.length : found;
        const packet = transport.parser.decodePacket(payload.slice(at, end));
        at = end + 1;
        if (packet.type === "close") return transport.onClose();
        transport.onPacket(packet);
        count += 1;
        if (packet.type === "error" || connection.readyState !== "open") return;
        if (count % packetsATurn === 0) await nextTurn();
        const turn = pace.ready();
        if (turn !== undefined) await turn;
      }
    }

    request.on("data", onData).on("end", onEnd).on("close", onAborted);
  };
}

/** The payload in a form of JSONP, with its line ends as Engine.IO's client escapes them. */
function fromForm(form: string): string {
  const { d } = parseForm(form);
  if (typeof d !== "string") return "";
  return d.replace(/(\\)?\\n/g, (match, escaped) => (escaped ? match : "\n")).replace(/\\\\n/g, "\\n");
}

/**
 * A browser cancels the poll of a page that is closed, and sends the page's beacon at the same time
 * (docs/decisions/last-words.md). The session ends a moment after its poll, so that a beacon still finds it. Nothing is
 * written to the poll meanwhile.
 */
export function awaitLastWords(transport: PollingTransport): void {
  const { onError } = transport;
  transport.onError = (message) => {
    if (message !== pollCut) {
      onError.call(transport, message);
      return;
    }
    transport.writable = false;
    setTimeout(() => onError.call(transport, message), lastWordsMs);
  };
}
