#!/bin/sh
# Runs a command in a network namespace with only the loopback interface, so that WebRTC candidates and media stay on
# it. If the machine allows no namespaces, the command runs without one.
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
