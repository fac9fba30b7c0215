#!/bin/sh
# Sees to it that containers, which run as users of their own, can read what is mounted into them: mounts.sh PATH…
# A clone under umask 077 has files that its owner alone may read; none of these holds a secret.
set -eu
. ops/sh/common.sh

closed=$(find "$@" \( -type d ! -perm -005 -o -type f ! -perm -004 \) -print 2>/dev/null)
[ -n "$closed" ] || exit 0
chmod -R a+rX "$@" 2>/dev/null || die "containers cannot read $(echo "$closed" | head -1): chmod -R a+rX $*"
echo "made readable for containers: $*"
