import { monitorEventLoopDelay } from "node:perf_hooks";

/** How often the delay is looked at, ms. */
const everyMs = 500;

/**
 * Says when this process cannot keep up: the event loop's p99 delay of the last half second is over `limitMs`. New
 * peers are refused then, so that established calls do not suffer.
 */
export function createEventLoopGuard(limitMs: number) {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  let overloaded = false;
  const looking = setInterval(() => {
    // In ns, the resolution of 10 ms included.
    overloaded = histogram.percentile(99) / 1e6 - 10 > limitMs;
    histogram.reset();
  }, everyMs);
  return {
    overloaded: () => overloaded,
    close(): void {
      clearInterval(looking);
      histogram.disable();
    },
  };
}
