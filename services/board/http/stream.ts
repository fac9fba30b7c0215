import type { ServerResponse } from "node:http";

/** A viewer with more unread bytes is disconnected. Its browser reconnects by itself. */
const unreadLimit = 4_000_000;

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): one text for all viewers. */
export function createStream() {
  const viewers = new Set<ServerResponse>();
  let last = "";
  return {
    size: () => viewers.size,
    /** Adds a viewer, which gets the newest snapshot at once. */
    add(response: ServerResponse): void {
      response.write(`retry: 1000\n\n${last}`);
      viewers.add(response);
      response.on("close", () => viewers.delete(response));
    },
    send(text: string): void {
      last = `data: ${text}\n\n`;
      for (const viewer of viewers) {
        if (viewer.writableLength > unreadLimit) viewer.destroy();
        else viewer.write(last);
      }
    },
    close(): void {
      for (const viewer of viewers) viewer.destroy();
    },
  };
}

export type Stream = ReturnType<typeof createStream>;
