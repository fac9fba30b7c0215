import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's young generation at the size that it has now instead of letting it grow to 64 MB when many tunnels are
 * opened at once: the proxy's garbage is small and short-lived, and the room would stay resident
 * (docs/decisions/proxy-memory.md). V8 reads the flag whenever it thinks of growing.
 */
export function fixYoungGeneration(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
