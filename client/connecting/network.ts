/**
 * Calls `onChange` when a page may have another network or has slept: on `online`, on a change of
 * `navigator.connection`, and when the page is shown again. Timers stand still during a sleep, and a socket of the old
 * network reports nothing until its ping is missed. Node has none of these events, so there it never calls.
 *
 * @param target emits the events; default: the page's window
 * @returns a function that stops listening
 */
export function watchNetwork(onChange: () => void, target: EventTarget | undefined = windowHere()): () => void {
  if (target === undefined) return () => undefined;
  const stop = new AbortController();
  const { signal } = stop;
  target.addEventListener("online", onChange, { signal });
  if (target === windowHere()) {
    document.addEventListener(
      "visibilitychange",
      () => {
        if (document.visibilityState === "visible") onChange();
      },
      { signal },
    );
    const { connection } = navigator as { connection?: EventTarget };
    connection?.addEventListener("change", onChange, { signal });
  }
  return () => stop.abort();
}

function windowHere(): EventTarget | undefined {
  return typeof window === "undefined" ? undefined : window;
}
