#!/bin/sh
# Starts the proxy in its image. V8's young generation grows to at most 8 MB for each half. The proxy's garbage is small
# and short-lived, and a grown heap stays resident (docs/decisions/proxy-memory.md).
[ "${PROXY_TUNING:-on}" = off ] || set -- --max-semi-space-size=8
exec node "$@" proxy/main.ts
