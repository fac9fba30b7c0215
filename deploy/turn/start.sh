#!/bin/sh
# Starts coturn with the shared secret of the mounted file.
set -eu
umask 077
# Newlines and CR at the secret's end do not belong to it.
secret=$(tr -d '\r\n' <"${TURN_SECRET_FILE:-/run/secrets/turn_secret}")
work=${WORK_DIR:-/tmp}
relay_ip=${RELAY_IP:-$(hostname -i | cut -d' ' -f1)}
first=${RELAY_PORTS%-*} last=${RELAY_PORTS#*-}
ports=$((last - first + 1))
# One user must not take all relay ports. A user gets at most a quarter of them, and never more than twelve.
user_quota=$((ports / 4))
if [ "$user_quota" -gt 12 ]; then user_quota=12; fi
if [ "$user_quota" -lt 1 ]; then user_quota=1; fi

# Special-purpose addresses (RFC 6890, RFC 4193, RFC 4291) are denied. Else a peer with credentials could reach the
# host's other containers and the site's network through the relay. TURN_ALLOW_PRIVATE=1 allows private addresses for
# calls between pages on one laptop or one site. Loopback, link-local with the cloud's metadata service, and multicast
# stay denied.
denied='0.0.0.0-0.255.255.255 127.0.0.0-127.255.255.255 169.254.0.0-169.254.255.255 192.0.0.0-192.0.0.255
  192.0.2.0-192.0.2.255 192.88.99.0-192.88.99.255 198.18.0.0-198.19.255.255 198.51.100.0-198.51.100.255
  203.0.113.0-203.0.113.255 224.0.0.0-255.255.255.255
  ::1-::1 64:ff9b::-64:ff9b::ffff:ffff 100::-100::ffff:ffff:ffff:ffff 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
  2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
private='10.0.0.0-10.255.255.255 100.64.0.0-100.127.255.255 172.16.0.0-172.31.255.255 192.168.0.0-192.168.255.255
  ::ffff:0:0-::ffff:ffff:ffff fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
if [ "${ALLOW_PRIVATE:-0}" != 1 ]; then denied="$denied $private"; fi

cat >"$work/turnserver.conf" <<CONF
listening-port=3478
use-auth-secret
static-auth-secret=$secret
realm=hold-the-line
${RELAY_IP:+listening-ip=$RELAY_IP}
relay-ip=$relay_ip
min-port=$first
max-port=$last
${EXTERNAL_IP:+external-ip=$EXTERNAL_IP}
fingerprint
stale-nonce=600
no-tls
no-dtls
no-cli
no-multicast-peers
# Relays UDP only.
no-tcp-relay
$(for range in $denied; do echo "denied-peer-ip=$range"; done)
no-software-attribute
# Quotas: the total of allocations is the number of relay ports, and each user has a quota.
total-quota=$ports
user-quota=$user_quota
pidfile=$work/turnserver.pid
userdb=$work/turndb
CONF
exec turnserver -c "$work/turnserver.conf" --log-file=stdout --simple-log
