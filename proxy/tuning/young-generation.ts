import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** The young generation may grow up to this size, bytes. */
const wantedBytes = 16 * 1_024 * 1_024;

/**
 * Lets V8's young generation grow to 16 MB and no further, instead of to 64 MB when many tunnels are opened at once:
 * the proxy's garbage is small and short-lived, and the room would stay resident. V8 shrinks it while nothing happens,
 * so growing must stay possible below (docs/decisions/proxy-memory.md). V8 reads the flag whenever it thinks of
 * growing; a factor of 1 is no growth.
 */
export function boundYoungGeneration(): void {
  let growing = true;
  const look = () => {
    const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
    const small = (space?.space_size ?? 0) < wantedBytes;
    if (small === growing) return;
    growing = small;
    setFlagsFromString(`--semi-space-growth-factor=${small ? 2 : 1}`);
  };
  look();
  // It grows at collections alone.
  new PerformanceObserver(look).observe({ entryTypes: ["gc"] });
}
