# shellcheck shell=sh disable=SC2154
# The process engine's part of stack.sh (sourced). ops/cli.ts runs the programs as child processes.

dependencies() { locked .cache/dependencies.lock sh ops/sh/dependencies.sh "$@" || exit $?; }
ops() { PATH=$PWD/node_modules/.bin:$PATH node ops/cli.ts "$@"; }

# The engine sets the addresses inside the stack itself. Every program gets all other settings.
engine_reads() {
  case $1 in
    PUBLIC_BIND) return 0 ;;
    NODE_ID | HOST | PORT | PROXY_PROTOCOL_PORT | PROXY_PROTOCOL_HOST | PROXY_PROTOCOL_FROM | PROXY_TABLE_FILE | ADMIN_HOST | ADMIN_PORT | PROXY_HOST | REPLICAS | REDIS_URL | REDIS_ADDRESS_MAP | NATS_URL | NATS_USERNAME | TARGET_URL | OPS_INSIDE | BOARD_HOST | BOARD_TARGETS | BOARD_STACK | BOARD_REPORTS_DIR | BOARD_STACKS_DIR) return 1 ;;
  esac
  # Leaves out the section of .env.example that only compose.yaml reads.
  sed '/^# ── compose.yaml/,/^$/d' .env.example | grep -qE "^#$1="
}

engine_up() {
  refuse_servers
  server=redis-server server_ports=REDIS_PORT
  if [ "${BACKPLANE:-pubsub}" = nats ]; then
    server=nats-server server_ports=NATS_PORT
    [ "${NATS:-single}" != cluster ] ||
      server_ports=$(sed -n 's/^\(NATS_\(._\)*\(CLUSTER_\)*PORT\|LINK_._NATS_._PORT\)=.*/\1/p' ops/ports.env)
  fi
  locked .cache/apt.lock sh ops/sh/packages.sh $server 'prometheus?' 'alertmanager?' 'prometheus-redis-exporter?' || exit $?
  balancing=''
  if [ "${PROXIES:-1}" = 2 ]; then
    locked .cache/apt.lock sh ops/sh/packages.sh haproxy || exit $?
    balancing="PROXY_1_PORT PROXY_2_PORT PROXY_1_PROTOCOL_PORT PROXY_2_PROTOCOL_PORT PROXY_2_ADMIN_PORT BALANCER_ADMIN_PORT"
  fi
  failing_over=''
  if [ "${REDIS:-single}" = cluster ]; then
    failing_over=$(sed -n 's/^\(REDIS_[2-6]_PORT\|REDIS_\(._\)*CLUSTER_PORT\|REDIS_EXPORTER_[2-6]_PORT\|LINK_._REDIS_._PORT\)=.*/\1/p' ops/ports.env)
  fi
  if [ "${REDIS:-single}" = sentinel ]; then
    failing_over=$(sed -n 's/^\(REDIS_[23]_PORT\|REDIS_EXPORTER_[23]_PORT\|SENTINEL_._PORT\|LINK_._REDIS_[23]_PORT\)=.*/\1/p' ops/ports.env)
  fi
  # shellcheck disable=SC2086 # names of variables
  sh ops/sh/ports.sh $balancing $failing_over $server_ports PROXY_PORT PROXY_ADMIN_PORT CALLER_ADMIN_PORT BOARD_PORT LINK_ADMIN_PORT \
    SIGNALING_1_PORT SIGNALING_2_PORT SIGNALING_3_PORT SIGNALING_1_ADMIN_PORT SIGNALING_2_ADMIN_PORT SIGNALING_3_ADMIN_PORT \
    LINK_1_PORT LINK_2_PORT LINK_3_PORT LINK_4_PORT LINK_5_PORT PROMETHEUS_PORT ALERTMANAGER_PORT \
    PROMETHEUS_GUARDED_PORT ALERTMANAGER_GUARDED_PORT REDIS_EXPORTER_PORT || exit $?
  dependencies web
  sh ops/sh/secrets.sh
  # A start that was refused or interrupted leaves nothing that later commands would go by.
  trap '[ -n "$(engine_services)" ] || rm -f "$state/up.env"' EXIT
  trap 'exit 130' INT TERM HUP
  printf 'ENGINE=process\nPORT_BASE=%s\n' "$PORT_BASE" >"$state/up.env"
  ops up
}
engine_down() {
  [ -d "$state/services" ] || { rm -f "$state/up.env"; echo "the stack \"$STACK\" is not up"; return; }
  dependencies
  ops down
}
engine_services() { ls "$state/services" 2>/dev/null | sed -n 's/\.json$//p'; }
engine_logs() { ops logs "$@"; }
engine_ops() {
  dependencies
  ops "$@"
}
