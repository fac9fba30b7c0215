#!/bin/sh
# Starts Redis with two users made from the secrets: `replica` may do what the backplanes need and nothing else, `watch`
# may look (exporter, health check, make watch-backplane). The default user is off.
#
# A PSUBSCRIBE is allowed only where its pattern stands among the channels to the letter, hence the two with a `*` of
# their own: the classic adapter's, one for each namespace.
set -eu
hash_of() { sha256sum <"/run/secrets/$1" | cut -d' ' -f1; }
umask 077
{
  printf 'user default off\n'
  printf 'user replica on #%s -@all %s %s %s %s\n' "$(hash_of redis_password)" \
    'resetchannels &socket.io* &socket.io#/#* &socket.io#/signaling#* &hold-the-line:* &room:* ~hold-the-line:*' \
    '+hello +auth +ping +select +quit +reset +client|setname +client|setinfo +client|id +info' \
    '+publish +spublish +subscribe +unsubscribe +psubscribe +punsubscribe +ssubscribe +sunsubscribe +pubsub|numsub +pubsub|shardnumsub' \
    '+xadd +xread +xrange +xrevrange +set +getdel +cluster|slots +cluster|shards +cluster|nodes'
  printf 'user watch on #%s -@all allchannels %s %s\n' "$(hash_of redis_watch_password)" \
    '+hello +auth +ping +select +quit +client|setname +client|setinfo +client|list +info +config|get +dbsize' \
    '+slowlog|len +slowlog|get +latency|latest +latency|histogram +psubscribe +punsubscribe'
} >/tmp/users.acl
exec redis-server /etc/redis/redis.conf --aclfile /tmp/users.acl
