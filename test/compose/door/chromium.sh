#!/bin/sh
# Chromium in a network namespace with only the loopback interface and the door to DOOR_PORTS (door.ts). The door must
# not inherit 3 and 4, Chromium's pipes to the test.
exec unshare -n sh -c '
  ip link set lo up
  node "$0" "$DOOR_DIR" $DOOR_PORTS 3>&- 4>&- >"$DOOR_DIR/open" &
  while [ ! -s "$DOOR_DIR/open" ]; do kill -0 $! || exit 1; sleep 0.05; done
  exec "$CHROMIUM" "$@"' "$(dirname "$0")/main.ts" "$@"
