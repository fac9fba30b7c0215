#!/bin/sh
# The kubectl of the tests' old cluster. `apply -k FOLDER` renders with the current kustomize, since the old kubectl
# knows no components, and applies what old-cluster.ts makes of it. Everything else goes to the cluster's own kubectl.
set -eu
folder='' n=$#
while [ "$n" -gt 0 ]; do
  arg=$1
  shift
  n=$((n - 1))
  if [ "$arg" = -k ]; then
    folder=$1
    shift
    n=$((n - 1))
    set -- "$@" --filename -
  else
    set -- "$@" "$arg"
  fi
done
[ -n "$folder" ] || exec "$CLUSTER_KUBECTL" "$@"
"$KUSTOMIZE" build "$folder" | node "$(dirname "$0")/old-cluster-main.ts" | "$CLUSTER_KUBECTL" "$@"
