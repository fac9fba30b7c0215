#!/bin/sh
# Starts a NATS server with the users of nats.conf, whose passwords are the secrets.
#
#   NATS_NAME            its name; `nats` unless set
#   NATS_SERVERS         the names on the network of all servers of a cluster, with blanks between; unset: the only server
#
# A server of a cluster looks the others up by name each time that it connects, because an address changes with each
# start of a container.
set -eu
# Newlines and CR at a secret's end do not belong to it.
secret_of() {
  secret=$(cat "/run/secrets/$1")
  cr=$(printf '\r')
  while [ "${secret%"$cr"}" != "$secret" ]; do secret=${secret%"$cr"}; done
  printf '%s' "$secret"
}
# A secret as a string of a configuration file.
quoted() { printf '"%s"' "$(secret_of "$1" | sed 's/[\\"]/\\&/g')"; }
# A secret as the password of a URL.
encoded() { secret_of "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%'; }

umask 077
cd /etc/nats
{
  echo "NATS_NAME: \"${NATS_NAME:-nats}\""
  echo "NATS_LISTEN: \"0.0.0.0:4222\""
  echo "NATS_STORE: \"/tmp/jetstream\""
  echo "NATS_PASSWORD: $(quoted nats_password)"
  echo "NATS_OPS_PASSWORD: $(quoted nats_ops_password)"
  cat nats.conf
  if [ -n "${NATS_SERVERS:-}" ]; then
    echo "NATS_CLUSTER_LISTEN: \"0.0.0.0:6222\""
    echo "NATS_CLUSTER_PASSWORD: $(quoted nats_cluster_password)"
    echo "NATS_ROUTES: ["
    for server in $NATS_SERVERS; do echo "  \"nats://server:$(encoded nats_cluster_password)@$server:6222\""; done
    echo "]"
    cat cluster.conf
  fi
} >/tmp/nats.conf
exec nats-server --config /tmp/nats.conf
