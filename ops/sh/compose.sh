# shellcheck shell=sh disable=SC2154
# The compose engine's part of stack.sh (sourced): Docker Compose, and ops/cli.ts in the ops container.

# The engine's address: DOCKER_HOST, else the current context. A rootless engine has a socket of its own.
endpoint=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)}
case $endpoint in
  unix://*) DOCKER_SOCKET=${endpoint#unix://} ;;
  '') DOCKER_SOCKET=/var/run/docker.sock ;;
  *) die "Docker is at $endpoint: the stack mounts files of this checkout, so its engine must be on this host (DOCKER_HOST=unix://…, docker context use default)" ;;
esac
export DOCKER_SOCKET
rootless() { docker info --format '{{.SecurityOptions}}' 2>/dev/null | grep -q name=rootless; }

COMPOSE_PROJECT_NAME=$STACK
COMPOSE_FILE=compose.yaml
if [ -n "${APP:-}" ]; then
  . ops/sh/app.sh
  read_app "$APP"
  COMPOSE_FILE=$COMPOSE_FILE:deploy/app/compose.yaml
fi
# These overlays come before the others, which have parts for the second proxy and for other servers of the backplane.
overlays=${OVERLAYS:-} several=''
case " $overlays " in *' proxies '*) PROXIES=2 && export PROXIES ;; esac
case " $overlays " in *' redis-sentinel '*) REDIS=sentinel && export REDIS ;; esac
case " $overlays " in *' redis-cluster '*) REDIS=cluster && export REDIS ;; esac
case " $overlays " in *' nats '* | *' nats-cluster '*) BACKPLANE=nats && export BACKPLANE ;; esac
case " $overlays " in *' nats-cluster '*) NATS=cluster && export NATS ;; esac
refuse_servers
if [ "${PROXIES:-1}" = 2 ]; then
  several=proxies COMPOSE_FILE=$COMPOSE_FILE:deploy/proxies/compose.yaml
  [ -z "${APP:-}" ] || COMPOSE_FILE=$COMPOSE_FILE:deploy/proxies/app.yaml
fi
# With NATS_URL the replicas use a server elsewhere.
if [ "${BACKPLANE:-pubsub}" = nats ] && [ -z "${NATS_URL:-}" ]; then
  [ -z "${APP:-}" ] || die "BACKPLANE=nats is for the replicas of the kit: an application gets the address of one Redis"
  several="$several nats" COMPOSE_FILE=$COMPOSE_FILE:deploy/nats/compose.yaml
  if [ "${NATS:-single}" = cluster ]; then
    several="$several nats-cluster" COMPOSE_FILE=$COMPOSE_FILE:deploy/nats-cluster/compose.yaml
  fi
elif [ "${REDIS:-single}" = sentinel ]; then
  [ -z "${APP:-}" ] || die "REDIS=sentinel is for the replicas of the kit: an application gets the address of one Redis"
  several="$several redis-sentinel" COMPOSE_FILE=$COMPOSE_FILE:deploy/redis-sentinel/compose.yaml
fi
if [ "${REDIS:-single}" = cluster ]; then
  several="$several redis-cluster" COMPOSE_FILE=$COMPOSE_FILE:deploy/redis-cluster/compose.yaml
fi
add_overlay() {
  case " $several " in *" $1 "*) return 0 ;; esac
  COMPOSE_FILE=$COMPOSE_FILE:deploy/$1/compose.yaml
  for part in $several; do
    [ ! -f "deploy/$part/$1.yaml" ] || COMPOSE_FILE=$COMPOSE_FILE:deploy/$part/$1.yaml
  done
}
for overlay in $overlays; do add_overlay "$overlay"; done
case ${PROFILE:-} in
  '' | full) ;;
  minimal) add_overlay minimal ;;
  *) die "PROFILE=$PROFILE: must be full or minimal" ;;
esac
# The overlay removes Grafana, for CI and for registries without its image.
[ "${GRAFANA:-1}" != 0 ] || add_overlay no-grafana
export COMPOSE_PROJECT_NAME COMPOSE_FILE COMPOSE_PATH_SEPARATOR=:

# A secret given as a variable reaches its container in a file of this stack, like the other secrets.
for name in $given_secrets; do
  eval "value=\${$name:-}"
  [ -z "$value" ] || export "${name}_FILE=.secrets/$name.$STACK"
done

logged() { "$@" </dev/null >".cache/compose-$STACK.log" 2>&1; }
quietly() {
  mkdir -p .cache
  ticking logged "$@" || {
    unpulled=$(grep -m1 -oE '.*(no such host|i/o timeout|pull access denied|manifest unknown|failed to resolve|toomanyrequests).*' ".cache/compose-$STACK.log" || true)
    [ -z "$unpulled" ] || die "an image cannot be pulled. make images-debian builds all but Grafana from Debian packages for IMAGE_* (docs/compose.md); GRAFANA=0 leaves Grafana out (.cache/compose-$STACK.log)"
    tail -15 ".cache/compose-$STACK.log" >&2
    die "docker compose failed: see .cache/compose-$STACK.log, make logs, make status"
  }
}
published() { docker compose config 2>/dev/null | sed -n 's/.*published: "\{0,1\}\([0-9]*\)"\{0,1\}$/\1/p'; }
# Names of the port variables that compose.yaml publishes.
published_variables() {
  ports=" $(published | tr '\n' ' ') "
  sed -n 's/^\([A-Z0-9_]*_PORT\)=.*/\1/p' ops/ports.env | while read -r name; do
    eval "value=\$$name"
    case $ports in *" $value "*) echo "$name" ;; esac
  done
}

# Settings of this `up` for later commands: all set variables of .env.example.
save_settings() {
  printf 'ENGINE=compose\nPORT_BASE=%s\n' "$PORT_BASE"
  for name in $(known_variables); do
    case $name in ENGINE | STACK | PORT_BASE) continue ;; esac
    eval "value=\${$name:-}"
    [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
  done
}

# Variables that make reads, the secrets, and the variables of the chosen compose files.
engine_reads() {
  case $1 in
    ENGINE | STACK | PORT_BASE | ENV_FILE | REDIS | NATS | PROFILE | OVERLAYS | GRAFANA | TLS_NAMES | CERTS_DIR | TOKEN) return 0 ;;
  esac
  case " $given_secrets " in *" $1 "*) return 0 ;; esac
  # shellcheck disable=SC2086 # file names
  (IFS=: && grep -q "\${$1[:}]" $COMPOSE_FILE)
}

engine_up() {
  sh ops/sh/secrets.sh
  sh ops/sh/mounts.sh redis prometheus alertmanager grafana/provisioning grafana/dashboards deploy/turn deploy/proxies deploy/redis-sentinel deploy/redis-cluster deploy/nats nats || exit $?
  # Mounted into the ops container. This user must create them, or Docker does so as root.
  mkdir -p "$state" reports
  # shellcheck disable=SC2046 # names
  sh ops/sh/ports.sh $(published_variables) || exit $?
  (umask 077 && save_settings >"$state/up.env")
  echo "building images and starting containers (progress: .cache/compose-$STACK.log)"
  [ -z "${APP:-}" ] || build_app
  quietly docker compose --profile ops build
  quietly docker compose up --detach --wait --remove-orphans
  # signaling-4 and -5 are created but not started. make scale only starts them.
  quietly docker compose --profile scale create --no-recreate signaling-4 signaling-5
  engine_ops wait
}
engine_down() {
  quietly docker compose --profile '*' down --volumes --remove-orphans
  rm -f "$state/up.env" "$state/broken.json" "$state/app.env" "$state/prometheus.yml"
  for name in $given_secrets; do rm -f ".secrets/$name.$STACK"; done
  echo "ended the stack \"$STACK\""
}
engine_services() { docker compose ps --services 2>/dev/null; }
# Docker provides the lines; the ops CLI formats and filters them.
engine_logs() {
  services='' follow=--follow tail=20 n=$#
  while [ "$n" -gt 0 ]; do
    arg=$1
    shift
    n=$((n - 1))
    case $arg in
      --node) services="$services signaling-${1#signaling-}"; shift; n=$((n - 1)) ;;
      --level | --room) set -- "$@" "$arg" "$1"; shift; n=$((n - 1)) tail=1000 ;;
      --no-follow) follow='' ;;
      *) services="$services $arg" ;;
    esac
  done
  # shellcheck disable=SC2086 # names; nothing where empty
  docker compose logs $follow --tail "$tail" $services | docker compose run --rm -T --no-deps --quiet-pull ops logs --stdin "$@"
}
engine_ops() {
  # `run` would create networks and volumes for a stack that does not exist.
  [ -n "$(docker compose ps --all --quiet 2>/dev/null)" ] || die "the stack \"$STACK\" is not up: make up"
  # Live views and questions need the terminal, if there is one.
  if [ -t 0 ] && [ -t 1 ]; then tty=; else tty=-T; fi
  # The container runs as this user, so that reports do not belong to root, and in the socket's group, which Docker's
  # API requires. In a rootless engine root already is this user.
  as=
  if ! rootless && socket=$(stat -c %g "$DOCKER_SOCKET" 2>/dev/null); then as="--user $(id -u):$socket"; fi
  # shellcheck disable=SC2086 # nothing where empty
  docker compose run --rm --no-deps --quiet-pull $tty $as ops "$@"
}
