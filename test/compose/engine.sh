#!/bin/sh
# Installs a Docker Engine with Compose and Buildx on a Debian machine without one, for tests and CI. Run it as root.
#
#   engine.sh fetch    fetch it, unless this machine has it
#   engine.sh start    if no daemon answers: fetch it (once for each machine), start it, wait until it answers
#   engine.sh env      shell lines that put its docker command first: eval "$(sh test/compose/engine.sh env)"
#   engine.sh stop     end the daemon that `start` started; any other is left alone
#
# Packages of a newer suite, verified by apt (deploy/debian/apt.sh), are unpacked beside the system, not installed. Only
# runc, iptables and tini come from the system's own release. The daemon keeps its images in /var/lib/docker, as any.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. deploy/debian/apt.sh

prefix=$machine/docker
pidfile=${ENGINE_PIDFILE:-/run/hold-the-line-dockerd.pid}
log=$machine/dockerd.log

use_prefix() {
  [ -x "$prefix/usr/bin/docker" ] || return 0
  PATH=$prefix/usr/bin:$prefix/usr/sbin:$PATH DOCKER_CONFIG=$prefix/config
  export PATH DOCKER_CONFIG
}
answers() { have docker && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
# The pid of the daemon that `start` started, while it runs.
own_pid() {
  [ -r "$pidfile" ] || return 0
  pid=$(cat "$pidfile")
  case $(readlink "/proc/$pid/exe" || true) in */dockerd) echo "$pid" ;; esac
}
describe() { echo "Docker Engine $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"; }

fetch() {
  [ ! -x "$prefix/usr/sbin/dockerd" ] || return 0
  [ "$(id -u)" = 0 ] && have apt-get || die "no Docker daemon answers, and only root on Debian gets one here: start Docker"
  echo "fetching a Docker Engine from Debian ($suite)"
  mkdir -p .cache "$machine"
  locked .cache/apt.lock sh ops/sh/packages.sh runc iptables tini-static
  (
    use_private_apt
    rm -rf "$prefix.new" "$machine/debs"
    mkdir -p "$prefix.new/config" "$machine/debs"
    cd "$machine/debs"
    apt-get download -qq docker.io docker-cli containerd docker-compose docker-buildx
    for deb in *.deb; do
      dpkg-deb -x "$deb" "$prefix.new"
      dpkg-deb -W --showformat '${Package} ${Version} ' "$deb"
      sha256sum "$deb" | cut -d' ' -f1
    done >"$prefix.new/VERSIONS"
    cd .. && rm -rf debs
    echo "{\"cliPluginsExtraDirs\": [\"$prefix/usr/libexec/docker/cli-plugins\"]}" >"$prefix.new/config/config.json"
    rm -rf "$prefix" && mv "$prefix.new" "$prefix"
  )
}

case ${1:-} in
  env)
    # The docker command of an existing daemon already is on the path.
    if answers && [ -z "$(own_pid)" ]; then exit 0; fi
    use_prefix
    printf 'export PATH=%s DOCKER_CONFIG=%s\n' "$PATH" "${DOCKER_CONFIG:-}"
    ;;
  fetch) fetch ;;
  start)
    [ -z "$(own_pid)" ] || use_prefix
    if answers; then
      describe
      exit 0
    fi
    fetch
    cat "$prefix/VERSIONS"
    use_prefix
    init=$(command -v tini-static)
    # shellcheck disable=SC2086 # words
    setsid nohup dockerd --init-path "$init" ${DOCKERD_OPTIONS:-} >"$log" 2>&1 </dev/null &
    echo $! >"$pidfile"
    tries=0
    until docker info >/dev/null 2>&1; do
      tries=$((tries + 1))
      [ -n "$(own_pid)" ] && [ $tries -lt 120 ] || {
        tail -20 "$log" >&2
        die "dockerd did not come up: see $log"
      }
      sleep 0.5
    done
    describe
    ;;
  stop)
    pid=$(own_pid)
    [ -n "$pid" ] || exit 0
    kill "$pid"
    while [ -d "/proc/$pid" ]; do sleep 0.2; done
    rm -f "$pidfile"
    echo "ended the Docker Engine that the tests had started"
    ;;
  *) die "usage: engine.sh fetch|start|env|stop" ;;
esac
