#!/bin/sh
# Runs a command in a network namespace of its own, where there is the loopback interface alone: WebRTC candidates and
# media stay on it. Where the machine allows none, the command runs as it is.
#
#   sh test/e2e/in-namespace.sh vitest run --project e2e
if ! command -v ip >/dev/null; then
  echo "no ip command (iproute2): running outside a network namespace" >&2
  exec "$@"
fi
for flags in -n -rn; do
  if unshare $flags ip link set lo up 2>/dev/null; then
    exec unshare $flags sh -c 'ip link set lo up && exec "$@"' sh "$@"
  fi
done
echo "no network namespaces here: running outside one" >&2
exec "$@"
