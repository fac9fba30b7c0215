#!/bin/sh
# Creates what is missing under .secrets/, once: secrets survive every restart. The files are readable by the
# containers' users; the directory keeps everybody else on this machine out, whatever the umask is.
set -eu
. ops/sh/common.sh
umask 077
mkdir -p .secrets
chmod 700 .secrets
umask 022
for name in $given_secrets REDIS_WATCH_PASSWORD REDIS_OPS_PASSWORD REDIS_APP_PASSWORD; do
  [ -s ".secrets/$name" ] && continue
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >".secrets/$name.$$"
  mv ".secrets/$name.$$" ".secrets/$name"
done
# Those that are given as a variable, for this stack alone; make down removes them.
for name in $given_secrets; do
  eval "value=\${$name:-}"
  # shellcheck disable=SC2154 # set by eval
  [ -z "$value" ] || printf '%s' "$value" >".secrets/$name.${STACK:-hold-the-line}"
done
# What the caller's peers present: given, not made; empty where the replicas ask for none. make down removes it.
token=.secrets/TOKEN.${STACK:-hold-the-line}
if [ -n "${TOKEN:-}" ] || [ ! -e "$token" ]; then printf '%s' "${TOKEN:-}" >"$token"; fi
# Put here by hand under another umask: containers must read them too.
chmod a+r .secrets/[A-Z]*
# The exporter takes its password as JSON, by the address that it watches: no other target is sent it.
watch=$(secret_of .secrets/REDIS_WATCH_PASSWORD | sed 's/[\\"]/\\&/g')
watch=$(printf '{"redis://watch@redis:6379": "%s"}' "$watch")
[ "$(cat .secrets/redis-exporter.json 2>/dev/null || true)" = "$watch" ] || printf '%s\n' "$watch" >.secrets/redis-exporter.json
