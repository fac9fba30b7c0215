#!/bin/sh
# make doctor checks whether this host can run the stack. It prints one line for each check, with what to do. It exits 1
# if the stack would not start (FAIL). A warning matters under load or in staging.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
load_env "${ENV_FILE:-.env}"
STACK=${STACK:-hold-the-line} PORT_BASE=${PORT_BASE:-0}
export STACK PORT_BASE
export_ports

failed=0
ok() { printf 'ok    %s\n' "$*"; }
warn() { printf 'warn  %s\n' "$*"; }
fail() {
  printf 'FAIL  %s\n' "$*"
  failed=1
}
# at_least VERSION WANTED: compares dotted numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -1)" = "$2" ]; }
number() { cat "/proc/sys/$1" 2>/dev/null || true; }
# value NAME ACTUAL WANTED WHY
value() {
  if [ -z "$2" ]; then return; fi
  if [ "$2" -ge "$3" ]; then ok "$1 = $2"; else warn "$1 = $2, better $3 or more: $4. sysctl -w $1=$3"; fi
}

if have docker && docker info >/dev/null 2>&1; then
  engine=compose
  version=$(docker version --format '{{.Server.Version}}' | sed 's/[^0-9.].*//')
  if at_least "$version" 28.0; then ok "Docker Engine $version"; else fail "Docker Engine $version: 28 or newer is needed (gw_priority, health checks at start)"; fi
  version=$(docker compose version --short 2>/dev/null | sed 's/^v//; s/[^0-9.].*//')
  if [ -n "$version" ] && at_least "$version" 2.33; then ok "Compose $version"; else fail "Compose ${version:-missing}: the plugin 2.33 or newer is needed"; fi
  if docker info --format '{{.Driver}}' | grep -qE 'overlay|btrfs|zfs|fuse'; then ok "storage driver $(docker info --format '{{.Driver}}')"; else warn "storage driver $(docker info --format '{{.Driver}}'): overlay2 is quicker and smaller"; fi
  case ${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)} in
    '' | unix://*) ;;
    *) fail "Docker's engine is on another host (DOCKER_HOST, docker context show): files of this checkout cannot be mounted there" ;;
  esac
  security=$(docker info --format '{{.SecurityOptions}}' 2>/dev/null || true)
  case $security in *name=rootless*) warn "Docker is rootless: it works with its own socket; memory and CPU limits need cgroup v2 with delegation" ;; esac
  case $security in
    *name=selinux*) warn "SELinux confines containers, and mounts here carry no :z: chcon -Rt container_file_t redis prometheus alertmanager grafana deploy .secrets .stack reports" ;;
  esac
  if docker version 2>/dev/null | grep -qi podman; then warn "this is Podman's docker: not tried with it; ENGINE=process needs no engine"; fi
  docker info 2>&1 | grep -iE '^WARNING' | while read -r line; do warn "Docker: $line"; done
  nofile=$(awk '/^Max open files/ { print $5 }' "/proc/$(cat /run/docker.pid 2>/dev/null || echo none)/limits" 2>/dev/null || true)
  scope="Docker's containers"
elif have npm; then
  engine=process
  warn "no Docker daemon answers: make up would take the process engine"
  nofile=$(ulimit -Hn)
  scope=processes
else
  engine=none
  fail "no Docker daemon answers and npm is missing: install Docker Engine 28, or Node.js with npm"
  nofile='' scope=''
fi
case $nofile in
  '' | unlimited) ;;
  *) if [ "$nofile" -ge 65536 ]; then ok "open files for $scope: $nofile"; else warn "open files for $scope: $nofile; each call takes four at the proxy, so 65536 or more (LimitNOFILE of the service, ulimit -n)"; fi ;;
esac

memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null || true)
if [ -n "$memory" ]; then
  if [ "$memory" -ge 1536 ]; then ok "memory available: $memory MiB"; else warn "memory available: $memory MiB; the stack takes about 700 MiB idle: PROFILE=minimal make up"; fi
fi
disk=$(df -Pm . | awk 'NR == 2 { print $4 }')
if [ "$disk" -ge 5000 ]; then ok "disk free: $disk MiB"; else warn "disk free: $disk MiB; images and two days of figures take about 5000"; fi

value net.core.somaxconn "$(number net/core/somaxconn)" 4096 "a reconnect storm overflows the accept queue"
value net.ipv4.tcp_max_syn_backlog "$(number net/ipv4/tcp_max_syn_backlog)" 1024 "a reconnect storm overflows the SYN queue"
value fs.file-max "$(number fs/file-max)" 200000 "every socket is a file"
value net.netfilter.nf_conntrack_max "$(number net/netfilter/nf_conntrack_max)" 65536 "Docker tracks every connection"
range=$(number net/ipv4/ip_local_port_range)
if [ -n "$range" ]; then
  # shellcheck disable=SC2086 # two words
  set -- $range
  if [ $(($2 - $1)) -ge 20000 ]; then ok "ephemeral ports: $1-$2"; else warn "ephemeral ports: $1-$2; the proxy takes one a session to each replica: sysctl -w net.ipv4.ip_local_port_range='32768 60999'"; fi
fi
if [ "$(number vm/overcommit_memory)" = 1 ]; then ok "vm.overcommit_memory = 1"; else ok "vm.overcommit_memory = $(number vm/overcommit_memory) (Redis asks for 1 where it saves to disk; this one never does)"; fi

if [ "$engine" != none ]; then
  if said=$(ENGINE=$engine sh ops/sh/ports.sh PROXY_PORT PROXY_ADMIN_PORT CALLER_ADMIN_PORT PROMETHEUS_PORT ALERTMANAGER_PORT GRAFANA_PORT \
    SIGNALING_1_PORT SIGNALING_2_PORT SIGNALING_3_PORT SIGNALING_1_ADMIN_PORT SIGNALING_2_ADMIN_PORT SIGNALING_3_ADMIN_PORT 2>&1); then
    ok "host ports are free, or this stack's"
  else
    echo "$said" | sed -n 's/^make: port/port/p' | while read -r line; do printf 'FAIL  %s\n' "$line"; done
    fail "free them, or set PORT_BASE"
  fi
fi
for secret in .secrets/*; do
  [ -e "$secret" ] || break
  [ "$(stat -c %a .secrets 2>/dev/null || echo 700)" = 700 ] && ok ".secrets is closed to others" || fail ".secrets is open to other users of this host: chmod 700 .secrets"
  break
done
[ $failed = 0 ] || exit 1
