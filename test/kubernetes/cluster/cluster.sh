#!/bin/bash
# A Kubernetes 1.20 of one node in namespaces of its own. Nothing of it stays on the host once its first process ends.
#
#   cluster.sh build            fetch and build what is missing (build.sh)
#   cluster.sh up ARCHIVE…      start, load `docker save` archives, return when the node is ready
#   cluster.sh kubectl ARGS     the cluster's kubectl
#   cluster.sh config           the path of its kubeconfig
#   cluster.sh down             stop all and delete the state, not the build
#
# KUBERNETES_CACHE is the folder of everything. Run it as root on Debian.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/paths.sh"
. "$here/credentials.sh"
. "$here/configurations.sh"

up() {
  [ -z "$(pid)" ] || { echo "cluster.sh: it is up already" >&2; exit 2; }
  rm -rf "$S" && mkdir -p "$S"
  make_credentials
  write_configurations
  pause_image
  local at=0 archive
  for archive in "$@"; do
    at=$((at + 1))
    ln -s "$archive" "$S/images/$at.tar"
  done
  # kube-proxy and the kubelet change these for the whole machine; down puts them back.
  sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes |
    tr -d ' ' >"$S/sysctl.before"
  setsid unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc bash "$here/node.sh" >"$LOG/node.log" 2>&1 </dev/null &
  local first=$! inner=
  for _ in $(seq 50); do
    inner=$(first_of "$first")
    [ -z "$inner" ] || break
    sleep 0.1
  done
  echo "$inner" >"$S/node.pid"
  ip link add k8s0 type veth peer name k8s1 netns "$inner"
  ip addr add $HOST_IP/30 dev k8s0 && ip link set k8s0 up
  inside ip addr add $NODE_IP/30 dev k8s1
  inside ip link set k8s1 up
  # Services are reached by translated addresses. Nothing else may leave the machine.
  inside ip route add $SVC_CIDR via $HOST_IP
  inside ip route add unreachable default
  ip route replace $SVC_CIDR via $NODE_IP
  ip route replace $POD_CIDR via $NODE_IP
  for _ in $(seq 240); do
    [ -f "$S/images/loaded" ] && kubectl get node $NODE --request-timeout=2s 2>/dev/null | grep -q ' Ready' && return
    sleep 0.5
  done
  echo "cluster.sh: the node or its images are not ready: see $LOG" >&2
  exit 1
}

# The process below FIRST that is pid 1 of its namespace.
first_of() {
  local p=$1 child
  while child=$(pgrep -P "$p" | head -1) && [ -n "$child" ]; do
    [ "$(awk '/^NSpid/ { print $NF }' "/proc/$child/status")" != 1 ] || { echo "$child"; return; }
    p=$child
  done
}

pid() {
  local p
  p=$(cat "$S/node.pid" 2>/dev/null) || return 0
  grep -qsz node.sh "/proc/$p/cmdline" && echo "$p" || true
}

inside() { nsenter -t "$(cat "$S/node.pid")" -n "$@"; }

down() {
  local p
  p=$(pid)
  if [ -n "$p" ]; then
    kill -9 "$p"
    while [ -d "/proc/$p" ]; do sleep 0.1; done
  fi
  for group in /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  [ ! -f "$S/sysctl.before" ] || sysctl -q -p "$S/sysctl.before"
  rm -rf "$S"
}

case ${1:-} in
  build) exec bash "$here/build.sh" ;;
  up) up "${@:2}" ;;
  kubectl) exec kubectl "${@:2}" ;;
  config) echo "$KUBECONFIG" ;;
  down) down ;;
  *) echo "usage: cluster.sh build|up|kubectl|config|down" >&2; exit 2 ;;
esac
