import { utf8Bytes } from "../sending/wire-size.ts";

/** Time-out of the opening and of an ack, ms. After it the connection is closed. */
const ackWithinMs = 5_000;
/** The code of a connection that ended without a closing handshake (RFC 6455, 7.1.5). */
const abnormalClosure = 1006;

/** An event from the replica. */
export interface RawEvent {
  event: string;
  data: never;
}

/**
 * One WebSocket on `/ws`: frames with acks. It ends once: when it closes, when it does not open in time, or when an ack
 * is late. It does not wait for the closing handshake, since a dead network never answers it.
 *
 * @throws DOMException if a subprotocol, and so the token, has invalid characters
 */
export function openRawConnection(
  url: string,
  protocols: string[],
  maxMessageBytes: number,
  tell: { onOpen(): void; onEvent(event: RawEvent): void; onClose(code: number): void },
) {
  const socket = new WebSocket(url, protocols);
  const waiting = new Map<number, { resolve: (ack: never) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let over = false;
  const opening = setTimeout(() => finish(abnormalClosure), ackWithinMs);

  function finish(code: number): void {
    if (over) return;
    over = true;
    clearTimeout(opening);
    socket.close();
    for (const { reject } of waiting.values()) reject(new Error(`connection closed (${code})`));
    waiting.clear();
    tell.onClose(code);
  }

  socket.addEventListener("open", () => {
    clearTimeout(opening);
    if (!over) tell.onOpen();
  });
  socket.addEventListener("message", ({ data }) => {
    if (over) return;
    const frame = JSON.parse(String(data)) as { id: number; ack: never } | RawEvent;
    if ("ack" in frame) waiting.get(frame.id)?.resolve(frame.ack);
    else tell.onEvent(frame);
  });
  socket.addEventListener("close", ({ code }) => finish(code));

  return {
    isOpen: () => !over && socket.readyState === WebSocket.OPEN,
    /**
     * Sends an event and resolves with its ack, or with a refusal if it exceeds the limit. Rejects if the connection is
     * lost first or no ack comes in time; then the connection has ended.
     */
    ask<T>(event: string, data: unknown, withinMs = ackWithinMs): Promise<T> {
      if (over || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error("not connected"));
      nextId += 1;
      const id = nextId;
      const text = JSON.stringify({ event, data, id });
      const bytes = utf8Bytes(text);
      if (bytes > maxMessageBytes) {
        const message = `${bytes} bytes on the wire; the server takes ${maxMessageBytes}`;
        return Promise.resolve({ ok: false, error: { code: "too-large", message } } as T);
      }
      socket.send(text);
      return new Promise<T>((resolve, reject) => {
        const settle = () => {
          clearTimeout(late);
          waiting.delete(id);
        };
        const late = setTimeout(() => {
          settle();
          reject(new Error(`no ack of ${event} within ${withinMs} ms`));
          finish(abnormalClosure);
        }, withinMs);
        waiting.set(id, {
          resolve(ack) {
            settle();
            resolve(ack);
          },
          reject(error) {
            settle();
            reject(error);
          },
        });
      });
    },
    close: () => socket.close(),
  };
}

export type RawConnection = ReturnType<typeof openRawConnection>;
