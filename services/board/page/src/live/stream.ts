import type { Snapshot } from "../../../snapshot.ts";

/**
 * Follows the board's event stream. The browser reconnects by itself. `broken` is called while there is no connection.
 */
export function follow(show: (snapshot: Snapshot) => void, broken: (isBroken: boolean) => void): { close(): void } {
  const source = new EventSource("/events");
  source.addEventListener("message", (event) => {
    broken(false);
    show(JSON.parse(event.data as string) as Snapshot);
  });
  source.addEventListener("error", () => broken(true));
  return { close: () => source.close() };
}
