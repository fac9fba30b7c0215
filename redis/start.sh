#!/bin/sh
# Starts Redis with two users made from the secret: `replica` may do what the adapters need and nothing else, `watch`
# may read figures (exporter, health check). The default user is off. Nothing is persisted: the backplane holds no state.
set -eu
password_hash=$(sha256sum </run/secrets/redis_password | cut -d' ' -f1)
umask 077
cat >/tmp/users.acl <<ACL
user default off
user replica on #$password_hash resetchannels &socket.io* &hold-the-line:* &room:* ~socket.io* ~hold-the-line:* -@all +@connection +@pubsub +info +xadd +xread +xrange +xtrim +set +getdel +get +del +exists +cluster|slots +cluster|shards +cluster|nodes
user watch on #$password_hash resetchannels -@all +ping +info +config|get +slowlog|len +slowlog|get +latency|latest +client|list +client|setname +client|setinfo +dbsize +psubscribe &* allchannels
ACL
exec redis-server /etc/redis/redis.conf --aclfile /tmp/users.acl
