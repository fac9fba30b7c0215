#!/bin/sh
# Starts coturn with the shared secret of the mounted file.
set -eu
umask 077
cat >/tmp/turnserver.conf <<CONF
listening-port=3478
use-auth-secret
static-auth-secret=$(cat /run/secrets/turn_secret)
realm=hold-the-line
relay-ip=$(hostname -i | cut -d' ' -f1)
min-port=${RELAY_PORTS%-*}
max-port=${RELAY_PORTS#*-}
${EXTERNAL_IP:+external-ip=$EXTERNAL_IP}
fingerprint
stale-nonce=600
no-tls
no-dtls
no-cli
no-multicast-peers
# UDP alone is relayed, and not to a cloud's metadata service.
no-tcp-relay
denied-peer-ip=169.254.0.0-169.254.255.255
no-software-attribute
# Quotas: allocations in all, and a user's.
total-quota=400
user-quota=12
pidfile=/tmp/turnserver.pid
userdb=/tmp/turndb
CONF
exec turnserver -c /tmp/turnserver.conf --log-file=stdout --simple-log
