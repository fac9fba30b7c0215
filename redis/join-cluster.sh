#!/bin/sh
# Runs beside a server of a Redis Cluster (start.sh, and the process engine) and ends with it.
#
#   join-cluster.sh PID NUMBER    of the server. The first half of the servers begin as primaries, the others as their copies
#
#   REDIS_CLUSTER    all servers in order, each name:port:bus-port
#   REDISCLI_AUTH    password of the user `cluster`
#
# Servers store each other's addresses. After a restart of all, each address may be another one, and no server can tell
# another where it is now. So this script looks up the names, and lets its server meet each one that it does not reach.
set -u
pid=$1 number=$2
half=$(($(echo "$REDIS_CLUSTER" | wc -w) / 2))
nth() { echo "$REDIS_CLUSTER" | cut -d' ' -f"$1"; }
own=$(nth "$number") own_port=${own#*:}

ask() { redis-cli -h 127.0.0.1 -p "${own_port%:*}" --user cluster "$@" 2>/dev/null; }
# Sends a command that answers OK, and says so if it does not.
tell() {
  answer=$(ask "$@") || return 0
  [ "$answer" = OK ] || echo "join-cluster: $*: $answer" >&2
}
# `address:port@bus` of a server, as servers store it; nothing if the name leads nowhere.
address_of() {
  host=${1%%:*} ports=${1#*:}
  case $host in *[!0-9.]*) host=$(getent ahostsv4 "$host" | sed -n '1s/ .*//p') ;; esac
  [ -z "$host" ] || echo "$host:${ports%:*}@${ports#*:}"
}
# The lines of $nodes of the servers that this one reaches.
reached() { echo "$nodes" | grep -v -e fail -e handshake -e noaddr | grep ' connected'; }
reaches() { reached | grep -q -F -e " $1," -e " $1 "; }
# The id of a reached server that serves a slot.
owner_of() {
  reached | while read -r id _ _ _ _ _ _ _ ranges; do
    for range in $ranges; do
      # `[93-<-…` is a slot on its way to another server.
      case $range in '['*) continue ;; esac
      if [ "${range%-*}" -le "$1" ] && [ "${range#*-}" -ge "$1" ]; then echo "$id"; fi
    done
  done
}

# A server without slots and without a primary begins: as a copy of who has its part of the slots, or with that part.
# Where another one has them that it does not reach yet, the newer claim wins, and Redis makes this one a copy.
begin() {
  part=$(((number - 1) % half))
  owner=$(owner_of $((part * 16384 / half)))
  if [ -n "$owner" ]; then
    tell CLUSTER REPLICATE "$owner"
  elif [ "$number" -le "$half" ]; then
    tell CLUSTER ADDSLOTSRANGE $((part * 16384 / half)) $(((part + 1) * 16384 / half - 1))
  fi
}

while kill -0 "$pid" 2>/dev/null; do
  seconds=5
  if nodes=$(ask CLUSTER NODES); then
    # shellcheck disable=SC2046 # fields
    set -- $(echo "$nodes" | grep myself)
    if [ "${3:-}" = myself,master ] && [ $# -lt 9 ]; then begin; seconds=0.5; fi
    for server in $REDIS_CLUSTER; do
      [ "$server" != "$own" ] || continue
      address=$(address_of "$server")
      if [ -n "$address" ] && reaches "$address"; then continue; fi
      seconds=0.5 bus=${address#*@} address=${address%@*}
      [ -z "$address" ] || tell CLUSTER MEET "${address%:*}" "${address#*:}" "$bus"
    done
  else
    seconds=0.5
  fi
  sleep $seconds
done
