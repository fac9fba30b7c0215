/** How often the clock looks at itself, ms. */
const tickMs = 50;
/** Lateness that is ordinary timer jitter, ms. */
const jitterMs = 15;

/**
 * A clock that stands still while the event loop does (a long task, a SIGSTOP of the proxy, a machine that swaps):
 * deadlines measured by it blame nobody for the proxy's own stall.
 */
export function createStallClock() {
  let lastTick = performance.now();
  let stalledMs = 0;
  const late = (now: number) => Math.max(0, now - lastTick - tickMs - jitterMs);
  const timer = setInterval(() => {
    const now = performance.now();
    stalledMs += late(now);
    lastTick = now;
  }, tickMs);
  timer.unref();
  return {
    /** Milliseconds that the event loop has been running, since some origin. */
    now(): number {
      const now = performance.now();
      return now - stalledMs - late(now);
    },
    close: () => clearInterval(timer),
  };
}

export type StallClock = ReturnType<typeof createStallClock>;
