# shellcheck shell=sh
# Sourced by stack.sh with its arguments: adds the arguments for make's variables. It must run before the settings are
# read, because CALLS and others are also settings of the stack.

given() { eval "[ -n \"\${$1:-}\" ]"; }
is_on() { eval "[ \"\${$1:-0}\" = 1 ]"; }

case "$1 ${2:-}" in
  logs\ *)
    # shellcheck disable=SC2086 # names, blanks between
    if given SERVICE; then set -- "$@" $SERVICE; fi
    if given NODE; then set -- "$@" --node "$NODE"; fi
    if given LEVEL; then set -- "$@" --level "$LEVEL"; fi
    if given ROOM; then set -- "$@" "--room=$ROOM"; fi
    ;;
  'chaos heal') ;;
  chaos\ *)
    if [ $# = 2 ] && given NODE; then set -- "$@" "$NODE"; fi
    if [ "${3:-}" = proxy ] && [ "${PROXY:-1}" != 1 ]; then
      verb=$2
      set -- chaos "$verb" "proxy-$PROXY"
    fi
    if [ "${3:-}" = redis ] && given SERVER; then
      verb=$2
      set -- chaos "$verb" "redis-$SERVER"
    fi
    if [ "${3:-}" = nats ] && [ "${SERVER:-1}" != 1 ]; then
      verb=$2
      set -- chaos "$verb" "nats-$SERVER"
    fi
    if [ "$2" = slow ] && given MS; then set -- "$@" --ms "$MS"; fi
    if [ "$2" = slow ] && given JITTER; then set -- "$@" --jitter "$JITTER"; fi
    ;;
  provoke\ *)
    if given ALERT; then set -- "$@" "$ALERT"; fi
    if is_on ONCE; then set -- "$@" --once; fi
    ;;
  scale\ *) if given N; then set -- "$@" "$N"; fi ;;
  drill\ *)
    if given DRILL; then set -- "$@" "$DRILL"; fi
    if is_on CONTROL; then set -- "$@" --control; fi
    if given SEED; then set -- "$@" --seed "$SEED"; fi
    if given CALLS; then set -- "$@" --calls "$CALLS"; fi
    if is_on DRY_RUN; then set -- "$@" --dry-run; fi
    if is_on JSON; then set -- "$@" --json; fi
    ;;
  'drills --all') if given REPEAT && [ $# = 2 ]; then set -- "$@" --repeat "$REPEAT"; fi ;;
  soak\ *)
    if given MINUTES; then set -- "$@" --minutes "$MINUTES"; fi
    if given SEED; then set -- "$@" --seed "$SEED"; fi
    ;;
  game-day\ *)
    if given LEVEL; then set -- "$@" --level "$LEVEL"; fi
    if given SEED; then set -- "$@" --seed "$SEED"; fi
    ;;
  status\ *) if is_on JSON; then set -- "$@" --json; fi ;;
esac
