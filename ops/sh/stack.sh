#!/bin/sh
# make runs this script. It finds the stack's engine and passes the command to it.
#
#   stack.sh up|down|status|logs|open|…     (Makefile has the list)
#
# The compose engine needs only Docker on this host: its commands run in the ops container.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

. ops/sh/variables.sh

check_variables
[ $# -gt 0 ] || die "stack.sh takes a command: make lists them"
. ops/sh/arguments.sh
load_env "${ENV_FILE:-.env}"
check_variables
STACK=${STACK:-hold-the-line} PORT_BASE=${PORT_BASE:-0}
state=.stack/$STACK
# On a running stack the engine and the settings of its `up` apply.
asked=${ENGINE:-}
if [ "$1" = up ]; then refuse_others "$state/up.env"; fi
load_saved "$state/up.env"
[ "${asked:-${ENGINE:-}}" = "${ENGINE:-}" ] ||
  die "the stack \"$STACK\" is up on ENGINE=$ENGINE: make down first, or give this one another STACK and PORT_BASE"

docker_answers() { have docker && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
if [ -z "${ENGINE:-}" ]; then
  if docker_answers; then ENGINE=compose; else ENGINE=process; fi
fi
case $ENGINE in
  process | kubernetes) ;;
  compose) docker_answers || die "ENGINE=compose, but no Docker daemon with Compose answers: start Docker, or ENGINE=process" ;;
esac
export STACK PORT_BASE ENGINE
export_ports

case $ENGINE in
  kubernetes) . ops/kubernetes/make.sh ;;
  *) . "ops/sh/$ENGINE.sh" ;;
esac

# Prints the addresses of the running stack.
print_urls() {
  running=" $(engine_services | tr '\n' ' ') "
  [ "$running" != "  " ] || die "the stack \"$STACK\" is not up: make up"
  at() { case $running in *" $1 "*) printf '  %-14s %s\n' "$2" "http://127.0.0.1:$3" ;; esac; }
  at board board "$BOARD_PORT/  (the stack, live)"
  at proxy 'call page' "$PROXY_PORT/?room=demo  (open it in two windows)"
  at grafana dashboards "$GRAFANA_PORT/"
  at prometheus prometheus "$PROMETHEUS_PORT/"
  at alertmanager alertmanager "$ALERTMANAGER_PORT/"
  at proxy 'proxy admin' "$PROXY_ADMIN_PORT/replicas"
  at caller 'caller admin' "$CALLER_ADMIN_PORT/alerts"
  for n in 1 2 3 4 5; do
    eval "public=\$SIGNALING_${n}_PORT admin=\$SIGNALING_${n}_ADMIN_PORT"
    # shellcheck disable=SC2154 # set by eval
    at "signaling-$n" "signaling-$n" "$public/  admin http://127.0.0.1:$admin/readyz"
  done
}

# Parallel calls wait for each other: up and down run this script again under the lock.
under_lock() {
  mkdir -p "$state"
  STACK_LOCKED=1
  export STACK_LOCKED
  locked "$state/lock" sh ops/sh/stack.sh "$1"
  exit
}

command=$1
shift
case $command in
  up)
    [ -n "${STACK_LOCKED:-}" ] || under_lock up
    name_unread
    engine_up
    echo "the stack \"$STACK\" is ready on the $ENGINE engine:"
    print_urls
    echo "next: make status, make kill-node, make heal, make down"
    ;;
  down)
    [ -n "${STACK_LOCKED:-}" ] || under_lock down
    engine_down
    rm -f ".secrets/TOKEN.$STACK"
    ;;
  logs) engine_logs "$@" ;;
  urls) print_urls ;;
  open | board)
    [ -n "$(engine_services)" ] || die "the stack \"$STACK\" is not up: make up"
    if [ "$command" = board ]; then url=http://127.0.0.1:$BOARD_PORT/ where=; else url=http://127.0.0.1:$PROXY_PORT/ where=' in two windows'; fi
    for opener in xdg-open open; do
      if have $opener; then exec $opener "$url"; fi
    done
    echo "open $url$where"
    ;;
  *) engine_ops "$command" "$@" ;;
esac
