import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's young generation at its first few MB instead of letting it grow to 64 MB under load: the proxy's garbage
 * is small and short-lived, so more room only means more resident memory a tunnel (17 KiB against 6 KiB measured with
 * 4,000; docs/decisions/proxy-memory.md). Imported first; V8 reads the flag whenever it thinks of growing.
 */
setFlagsFromString("--semi-space-growth-factor=1");
