#!/bin/sh
# Starts Redis with the users of users.acl, whose passwords are the secrets; the default user is off.
#
#   replica   may do what the backplanes need, and nothing else
#   watch     may look: the exporter, the health check
#   ops       make watch-backplane and make provoke
#   app       an application in place of the replicas (app.acl), where it has a password: any key and channel is its own
#
# A PSUBSCRIBE is allowed only where its pattern stands among the channels to the letter, hence the two with a `*` of
# their own: the classic adapter's, one for each namespace. The process engine reads the same users.acl.
set -eu
# Newlines and CR at a secret's end do not belong to it.
hash_of() {
  secret=$(cat "/run/secrets/$1")
  cr=$(printf '\r')
  while [ "${secret%"$cr"}" != "$secret" ]; do secret=${secret%"$cr"}; done
  printf '%s' "$secret" | sha256sum | cut -d' ' -f1
}
umask 077
replica=$(hash_of redis_password) watch=$(hash_of redis_watch_password) ops=$(hash_of redis_ops_password)
sed "s/#REDIS_PASSWORD /#$replica /; s/#REDIS_WATCH_PASSWORD /#$watch /; s/#REDIS_OPS_PASSWORD /#$ops /" \
  /etc/redis/users.acl >/tmp/users.acl
if [ -e /run/secrets/redis_app_password ]; then
  app=$(hash_of redis_app_password)
  sed "s/#REDIS_APP_PASSWORD /#$app /" /etc/redis/app.acl >>/tmp/users.acl
fi
exec redis-server /etc/redis/redis.conf --aclfile /tmp/users.acl
