/**
 * Calls `onChange` when a page may have another network, or was asleep: `online`, a change of
 * `navigator.connection`, and when the page is shown again. Timers stood still meanwhile, and a socket of the former
 * network says nothing until its ping is missed. On Node nothing of this exists: it never calls.
 *
 * @param target emits the events; the page's own window unless given
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
