#!/bin/sh
# Starts Redis with the users of ACL files, whose passwords are the secrets; the default user is off.
#
#   start.sh             the only server
#   start.sh server      one of three servers whose master the Sentinels choose; REDIS_NAME is its name on the network
#   start.sh sentinel    a Sentinel; REDIS_NAME is its name
#   start.sh cluster     a server of a Redis Cluster; REDIS_NAME is its name, REDIS_NUMBER its place in REDIS_CLUSTER
#                        (join-cluster.sh)
#
#   REDIS_FIRST          the server that begins as the master; `redis` unless set
#
#   replica      may do what the backplanes need, and nothing else; at a Sentinel it may ask for the master
#   watch        may look: the exporter, the health check
#   ops          make watch-backplane and make provoke
#   app          an application in place of the replicas (app.acl), where it has a password: any key and channel is its own
#   failover, replication    the Sentinels and the copies (failover.acl, sentinel.acl)
#   cluster      join-cluster.sh (cluster.acl)
#
# A PSUBSCRIBE is allowed only where its pattern stands among the channels to the letter, hence the two with a `*` of
# their own: the classic adapter's, one for each namespace. The process engine reads the same ACL files.
set -eu
# Newlines and CR at a secret's end do not belong to it.
secret_of() {
  secret=$(cat "/run/secrets/$1")
  cr=$(printf '\r')
  while [ "${secret%"$cr"}" != "$secret" ]; do secret=${secret%"$cr"}; done
  printf '%s' "$secret"
}
# A secret as a word of a configuration file.
quoted() { printf '"%s"' "$(secret_of "$1" | sed 's/[\\"]/\\&/g')"; }
# Writes the users of these files. Each #NAME becomes the hash of the secret `name`.
write_users() {
  cat "$@" >/tmp/users.acl
  for name in $(sed -n 's/^user [a-z]* on #\([A-Z_]*\) .*/\1/p' "$@"); do
    hash=$(secret_of "$(echo "$name" | tr A-Z a-z)" | sha256sum | cut -d' ' -f1)
    sed -i "s/ #$name / #$hash /" /tmp/users.acl
  done
}
first=${REDIS_FIRST:-redis}
umask 077
cd /etc/redis

case ${1:-} in
  '')
    # Only an application's stack has this password.
    if [ -e /run/secrets/redis_app_password ]; then write_users users.acl app.acl; else write_users users.acl; fi
    exec redis-server /etc/redis/redis.conf --aclfile /tmp/users.acl
    ;;
  server)
    write_users users.acl failover.acl
    # Sentinels write the server's role into its file, so the file is written once and stays on the volume.
    if [ ! -e /data/redis.conf ]; then
      {
        cat redis.conf
        echo "dir /data"
        echo "aclfile /tmp/users.acl"
        # An address changes with each start of a container. A name does not.
        echo "replica-announce-ip $REDIS_NAME"
        echo "masteruser replication"
        echo "masterauth $(quoted redis_replication_password)"
        # The copy has nothing to keep: the stream of `BACKPLANE=streams` is sent anew.
        echo "repl-diskless-sync-delay 0"
        echo "rdb-del-sync-files yes"
        echo "repl-timeout 10"
        [ "$REDIS_NAME" = "$first" ] || echo "replicaof $first 6379"
      } >/data/redis.conf.new
      mv /data/redis.conf.new /data/redis.conf
    fi
    exec redis-server /data/redis.conf
    ;;
  sentinel)
    write_users sentinel.acl
    if [ ! -e /data/sentinel.conf ]; then
      {
        echo "port 26379"
        echo "dir /data"
        echo "aclfile /tmp/users.acl"
        echo "sentinel resolve-hostnames yes"
        echo "sentinel announce-hostnames yes"
        echo "sentinel announce-ip $REDIS_NAME"
        echo "sentinel monitor hold-the-line $first 6379 2"
        echo "sentinel down-after-milliseconds hold-the-line 2000"
        echo "sentinel failover-timeout hold-the-line 6000"
        echo "sentinel parallel-syncs hold-the-line 2"
        echo "sentinel auth-user hold-the-line failover"
        echo "sentinel auth-pass hold-the-line $(quoted redis_failover_password)"
        echo "sentinel sentinel-user failover"
        echo "sentinel sentinel-pass $(quoted redis_failover_password)"
      } >/data/sentinel.conf.new
      mv /data/sentinel.conf.new /data/sentinel.conf
    fi
    exec redis-server /data/sentinel.conf --sentinel
    ;;
  cluster)
    write_users users.acl cluster.acl
    {
      cat redis.conf cluster.conf
      # nodes.conf stays on the volume: the server's id, its slots and the others.
      echo "dir /data"
      echo "aclfile /tmp/users.acl"
      echo "masterauth $(quoted redis_replication_password)"
      # Clients get the names. Among themselves servers see each other's addresses of now on their connections.
      echo "cluster-announce-hostname $REDIS_NAME"
      echo "cluster-preferred-endpoint-type hostname"
    } >/tmp/redis.conf
    REDISCLI_AUTH=$(secret_of redis_cluster_password)
    export REDISCLI_AUTH
    # Not a child of the server, which could not wait for it.
    (sh join-cluster.sh $$ "$REDIS_NUMBER" &)
    unset REDISCLI_AUTH
    exec redis-server /tmp/redis.conf
    ;;
  *)
    echo "start.sh $1: must be server, sentinel or cluster, or nothing" >&2
    exit 64
    ;;
esac
