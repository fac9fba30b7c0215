import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/** Interval of the check of the event loop, ms. */
const everyMs = 500;
/** It must be busy for this share of the time too: another process can cause a delay. */
const busyShare = 0.9;

/**
 * Says when this process cannot keep up: for a whole second its event loop was busy and its p99 delay over `limitMs`.
 * New peers are refused then, so that established calls do not suffer.
 */
export function createEventLoopGuard(limitMs: number) {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  let utilization = performance.eventLoopUtilization();
  let badLooks = 0;
  const looking = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(now, utilization).utilization;
    utilization = now;
    // In ns, the resolution of 10 ms included.
    const delayMs = histogram.percentile(99) / 1e6 - 10;
    histogram.reset();
    badLooks = share > busyShare && delayMs > limitMs ? badLooks + 1 : 0;
  }, everyMs);
  return {
    overloaded: () => badLooks >= 2,
    close(): void {
      clearInterval(looking);
      histogram.disable();
    },
  };
}
