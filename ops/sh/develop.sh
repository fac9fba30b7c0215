#!/bin/sh
# make check, test, dashboards, clean and similar targets. They need no stack and touch no running one.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

# Colours only on a terminal.
[ -t 1 ] || export NO_COLOR=1
if [ "$1" = token ]; then
  # Signed with the key of the stack's replicas.
  load_env "${ENV_FILE:-.env}"
else
  # The tests' stacks must not get a stack's settings from the environment or .env. APP is unset, because the
  # application to check is not a setting.
  app=${APP:-}
  for name in STACK PORT_BASE ENGINE $(known_variables); do unset "$name"; done
  export ENV_FILE=/dev/null
fi
dependencies() { locked .cache/dependencies.lock sh ops/sh/dependencies.sh "$@"; }

case $1 in
  check)
    locked .cache/apt.lock sh ops/sh/packages.sh "prometheus?" "alertmanager?"
    dependencies
    npm run --silent check
    sh prometheus/check.sh
    PATH=$PWD/node_modules/.bin:$PATH
    node grafana/src/main.ts --check
    node prometheus/main.ts --check
    ;;
  test)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server chromium openssl nginx haproxy python3-socketio python3-requests python3-websocket prometheus alertmanager 'prometheus-redis-exporter?' 'ip?' 'turnserver?'
    dependencies web
    sh ops/sh/secrets.sh
    PATH=$PWD/node_modules/.bin:$PATH
    # Both run, even if the first fails.
    status=0
    vitest run --project unit --project integration || status=$?
    sh test/e2e/in-namespace.sh vitest run --project e2e || status=$?
    exit $status
    ;;
  test-untuned)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server openssl
    dependencies
    npm run --silent test:untuned
    ;;
  test-drills | test-controls)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server prometheus alertmanager
    dependencies web
    sh ops/sh/secrets.sh
    case $1 in
      test-drills) set -- test/drills/drills.test.ts test/drills/game-day.test.ts ;;
      *) set -- test/drills/controls.test.ts ;;
    esac
    PATH=$PWD/node_modules/.bin:$PATH exec vitest run --project drills "$@"
    ;;
  test-drill-all)
    # Runs make targets like a user, on a stack of its own, which is always stopped at the end.
    export STACK=drill-all PORT_BASE=15000 ENGINE=process
    trap 'sh ops/sh/stack.sh down >/dev/null' EXIT
    trap 'exit 130' INT TERM HUP
    sh ops/sh/stack.sh up >/dev/null
    # REST=1 leaves out the drills of test-drills.
    sh ops/sh/stack.sh drills "$([ -n "${REST:-}" ] && echo --rest || echo --all)" --repeat "${REPEAT:-1}"
    sh ops/sh/stack.sh soak --minutes 1
    ;;
  test-hostile)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server
    dependencies
    npm run --silent test:hostile
    ;;
  test-board)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server chromium prometheus alertmanager 'prometheus-redis-exporter?'
    dependencies web
    sh ops/sh/secrets.sh
    npm run --silent test:board
    ;;
  test-proxies)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server haproxy chromium prometheus alertmanager
    dependencies web
    sh ops/sh/secrets.sh
    npm run --silent test:proxies
    ;;
  test-backplanes)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server nats-server prometheus alertmanager
    dependencies web
    sh ops/sh/secrets.sh
    npm run --silent test:backplanes
    ;;
  test-apps)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server prometheus alertmanager
    dependencies web
    sh ops/sh/secrets.sh
    npm run --silent test:apps
    ;;
  test-manifests)
    dependencies
    tools=$(locked .cache/apt.lock sh test/kubernetes/tools.sh env)
    eval "$tools"
    PATH=$PWD/node_modules/.bin:$PATH vitest run --project manifests
    ;;
  test-conformance)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server nats-server openssl
    dependencies
    npm run --silent test:conformance
    ;;
  test-long)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server nats-server prometheus alertmanager chromium
    dependencies web
    sh ops/sh/secrets.sh
    npm run --silent test:long
    # The cluster is built from Debian's packages, as root.
    if [ "$(id -u)" = 0 ] && have apt-get; then
      sh test/kubernetes/run.sh
    else
      echo "make test-kubernetes is left out: it needs root on Debian"
    fi
    ;;
  test-protocols)
    locked .cache/apt.lock sh ops/sh/packages.sh unshare ip
    dependencies
    npm run --silent test:protocols
    ;;
  bench-proxy)
    locked .cache/apt.lock sh ops/sh/packages.sh haproxy nginx
    dependencies
    npm run --silent bench:proxy
    ;;
  bench-signaling)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server nats-server
    dependencies
    npm run --silent bench:signaling
    ;;
  bench-plan)
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server
    dependencies
    npm run --silent bench:plan
    ;;
  token)
    dependencies >&2
    sh ops/sh/secrets.sh >&2
    export JWT_SECRET_FILE="${JWT_SECRET_FILE:-.secrets/JWT_SECRET}"
    PATH=$PWD/node_modules/.bin:$PATH exec node services/signaling/token/cli.ts
    ;;
  plan)
    dependencies >&2
    set -- --peers "${PEERS:-}"
    [ -z "${SIGNALS:-}" ] || set -- "$@" --signals "$SIGNALS"
    [ -z "${ROOM:-}" ] || set -- "$@" --room "$ROOM"
    [ "${JSON:-0}" != 1 ] || set -- "$@" --json
    PATH=$PWD/node_modules/.bin:$PATH exec node ops/cli.ts plan "$@"
    ;;
  adopt-check)
    dependencies
    set -- --url "${URL:-}"
    [ -z "$app" ] || set -- "$@" --app "$app"
    [ -z "${ENGINE_IO:-}" ] || set -- "$@" --engine "$ENGINE_IO"
    [ -z "${READY:-}" ] || set -- "$@" --ready "$READY"
    [ -z "${PATHS:-}" ] || set -- "$@" --paths "$PATHS"
    [ -z "${UPLOAD:-}" ] || set -- "$@" --upload "$UPLOAD"
    [ -z "${SLOW:-}" ] || set -- "$@" --slow "$SLOW"
    [ -z "${WS:-}" ] || set -- "$@" --ws "$WS"
    [ -z "${IDLE_S:-}" ] || set -- "$@" --idle-s "$IDLE_S"
    [ -z "${PID:-}" ] || set -- "$@" --pid "$PID"
    [ -z "${CONTAINER:-}" ] || set -- "$@" --container "$CONTAINER"
    PATH=$PWD/node_modules/.bin:$PATH exec node ops/cli.ts adopt-check "$@"
    ;;
  verify-observability)
    # Runs on a stack of its own, which is always stopped at the end.
    locked .cache/apt.lock sh ops/sh/packages.sh redis-server prometheus alertmanager 'prometheus-redis-exporter?'
    export STACK=verify-observability PORT_BASE=14000 ENGINE=process
    trap 'sh ops/sh/stack.sh down >/dev/null' EXIT
    trap 'exit 130' INT TERM HUP
    sh ops/sh/stack.sh up >/dev/null
    sh ops/sh/stack.sh verify-observability
    ;;
  dashboards)
    dependencies
    PATH=$PWD/node_modules/.bin:$PATH
    node grafana/src/main.ts
    node prometheus/main.ts
    ;;
  clean)
    for up in .stack/*/services .stack/*/up.env; do
      [ ! -e "$up" ] || die "the stack $(echo "$up" | cut -d/ -f2) is up: make down first (STACK= names it)"
    done
    rm -rf node_modules web/dist coverage .cache .stack
    echo "removed node_modules, web/dist, coverage, .cache and .stack (.secrets and reports stay)"
    ;;
esac
