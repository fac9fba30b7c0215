#!/bin/sh
# Starts the proxy in its image. V8's young generation may grow to 8 MB a half and no further: the proxy's garbage is
# small and short-lived, and what the heap grew to stays resident (docs/decisions/proxy-memory.md).
[ "${PROXY_TUNING:-on}" = off ] || set -- --max-semi-space-size=8
exec node "$@" proxy/main.ts
