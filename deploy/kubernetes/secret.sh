#!/bin/sh
# Prints the Secret that the pods mount, made of the files under .secrets/ (ops/sh/secrets.sh creates them).
set -eu
cd "$(dirname "$0")/../.."
files=.secrets
encoded() { base64 <"$1" | tr -d '\n'; }
echo "apiVersion: v1"
echo "kind: Secret"
echo "metadata: { name: hold-the-line }"
echo "data:"
for name in ADMIN_TOKEN STICKY_SECRET RESUME_SECRET BACKPLANE_SECRET JWT_SECRET TURN_SECRET REDIS_PASSWORD REDIS_SENTINEL_PASSWORD REDIS_WATCH_PASSWORD REDIS_OPS_PASSWORD REDIS_FAILOVER_PASSWORD REDIS_REPLICATION_PASSWORD NATS_PASSWORD NATS_OPS_PASSWORD NATS_CLUSTER_PASSWORD TRAINER_TOKEN; do
  own=$files/$name.${STACK:-hold-the-line}
  [ -s "$own" ] || own=$files/$name
  [ -s "$own" ] || {
    echo "secret.sh: $own is missing: sh ops/sh/secrets.sh" >&2
    exit 2
  }
  printf '  %s: %s\n' "$(echo "$name" | tr '[:upper:]' '[:lower:]')" "$(encoded "$own")"
done
printf '  redis_exporter_passwords: %s\n' "$(encoded $files/redis-exporter.json)"
# Empty if the replicas require no token.
printf '  caller_token: "%s"\n' "$(encoded "$files/TOKEN.${STACK:-hold-the-line}")"
