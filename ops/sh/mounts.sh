#!/bin/sh
# Makes mounted files readable for containers, which run as users of their own: mounts.sh PATH… In a clone made under
# umask 077 only the owner can read the files. None of these files contains a secret.
set -eu
. ops/sh/common.sh

closed=$(find "$@" \( -type d ! -perm -005 -o -type f ! -perm -004 \) -print 2>/dev/null)
[ -n "$closed" ] || exit 0
chmod -R a+rX "$@" 2>/dev/null || die "containers cannot read $(echo "$closed" | head -1): chmod -R a+rX $*"
echo "made readable for containers: $*"
