#!/bin/sh
# Checks before a start that host ports are free: ports.sh PROXY_PORT PROMETHEUS_PORT … It names every taken port and
# its process. Ports that this stack holds itself are accepted.
set -eu
. ops/sh/common.sh

# `port inode` of every TCP listener that blocks a port of 127.0.0.1 (proc(5): state 0A).
listeners() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '
    function hex(text,  i, n) { for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1; return n }
    $4 == "0A" && $2 ~ /^(00000000|0100007F|00000000000000000000000000000000):/ { sub(/.*:/, "", $2); print hex($2), $10 }'
}
# The pid of the process that holds a socket; empty if this user cannot see it.
pid_of() {
  [ "$1" != 0 ] || return 0
  find /proc/[0-9]*/fd -lname "socket:\[$1\]" 2>/dev/null | sed -n '1s#/proc/\([0-9]*\)/.*#\1#p'
}
# The record of the service with this pid, if it belongs to a stack of this checkout.
record_of() { grep -ls "\"pid\": $1,\{0,1\}\$" .stack/*/services/*.json 2>/dev/null | head -1; }
container_of() {
  [ "$engine" = compose ] || return 0
  docker ps --filter "publish=$1" --format '{{.Names}} {{.Label "com.docker.compose.project"}}' 2>/dev/null | head -1
}

engine=${ENGINE:-process}
taken=0
report() {
  echo "make: port $1 ($2) is taken by $3" >&2
  taken=1
}
if [ -r /proc/net/tcp ]; then open=$(listeners); else open=; fi
for variable in "$@"; do
  eval "port=\$$variable"
  if [ -r /proc/net/tcp ]; then
    inode=$(echo "$open" | awk -v port="$port" '$1 == port { print $2; exit }')
    [ -n "$inode" ] || continue
    container=$(container_of "$port")
    if [ -n "$container" ]; then
      [ "${container#* }" = "$STACK" ] || report "$port" "$variable" "the container ${container% *}"
      continue
    fi
    pid=$(pid_of "$inode")
  elif have lsof; then
    pid=$(lsof -nP -t -iTCP:"$port" -sTCP:LISTEN 2>/dev/null | head -1)
    [ -n "$pid" ] || continue
  else
    continue
  fi
  if [ -z "$pid" ]; then
    report "$port" "$variable" "another user's process"
    continue
  fi
  record=$(record_of "$pid")
  stack=${record#.stack/} stack=${stack%%/*}
  [ "$stack" != "$STACK" ] || continue
  if [ -n "$record" ]; then
    name=$(basename "$record" .json)
    report "$port" "$variable" "$name of the stack $stack (pid $pid)"
  else
    name=$(ps -o args= -p "$pid" 2>/dev/null || tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || echo "a process that just ended")
    name=${name%% *}
    report "$port" "$variable" "${name##*/} (pid $pid)"
  fi
done
[ $taken = 0 ] || die "stop what holds them, set the variables in brackets, or PORT_BASE=20000 for all"
