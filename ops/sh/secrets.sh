#!/bin/sh
# Creates missing secrets under .secrets/ once. They survive every restart. The containers' users can read the files.
# The directory's mode keeps all other users of this machine out, with any umask.
set -eu
. ops/sh/common.sh
umask 077
mkdir -p .secrets
chmod 700 .secrets
umask 022
for name in $given_secrets REDIS_WATCH_PASSWORD REDIS_OPS_PASSWORD REDIS_APP_PASSWORD REDIS_FAILOVER_PASSWORD REDIS_REPLICATION_PASSWORD REDIS_CLUSTER_PASSWORD NATS_CLUSTER_PASSWORD NATS_OPS_PASSWORD; do
  [ -s ".secrets/$name" ] && continue
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >".secrets/$name.$$"
  mv ".secrets/$name.$$" ".secrets/$name"
done
# Secrets given as variables, for this stack only. make down removes them.
for name in $given_secrets; do
  eval "value=\${$name:-}"
  # shellcheck disable=SC2154 # set by eval
  [ -z "$value" ] || printf '%s' "$value" >".secrets/$name.${STACK:-hold-the-line}"
done
# The token of the caller's peers. A user must give it; it is empty if the replicas require none. make down removes it.
token=.secrets/TOKEN.${STACK:-hold-the-line}
if [ -n "${TOKEN:-}" ] || [ ! -e "$token" ]; then printf '%s' "${TOKEN:-}" >"$token"; fi
# Containers must also read files that a user put here under another umask.
chmod a+r .secrets/[A-Z]*
# An exporter reads its password as JSON, bound to the addresses of Redis servers. No other target gets it.
watch=$(secret_of .secrets/REDIS_WATCH_PASSWORD | sed 's/[\\"]/\\&/g')
passwords=''
for server in redis redis-2 redis-3 redis-4 redis-5 redis-6; do
  passwords="$passwords${passwords:+, }\"redis://watch@$server:6379\": \"$watch\""
done
watch="{$passwords}"
[ "$(cat .secrets/redis-exporter.json 2>/dev/null || true)" = "$watch" ] || printf '%s\n' "$watch" >.secrets/redis-exporter.json
