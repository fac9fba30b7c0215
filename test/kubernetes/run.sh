#!/bin/sh
# make test-kubernetes: the stack on a real Kubernetes, which it builds once and keeps. Run it as root on Debian.
#
#   run.sh [TEST ARGUMENTS]     all tests, or those that vitest chooses: run.sh -t killed
#
# With KUBECONFIG and IMAGES_LOADED=1 the tests use that cluster, which must have the images of images.sh. Otherwise
# they use a cluster of their own, of one node, and stop it at the end.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. deploy/debian/apt.sh

began=$(date +%s)
given=${KUBECTL:-kubectl}
for name in STACK PORT_BASE ENGINE OVERLAYS $(known_variables); do unset "$name"; done
locked .cache/apt.lock sh ops/sh/packages.sh curl jq openssl ip pgrep patch xz
locked .cache/dependencies.lock sh ops/sh/dependencies.sh web
sh ops/sh/secrets.sh
tools=$(locked .cache/apt.lock sh test/kubernetes/tools.sh env)
eval "$tools"
if [ -z "${IMAGES_LOADED:-}" ]; then
  export KUBERNETES_CACHE="$machine/kubernetes/cluster"
  mkdir -p "$KUBERNETES_CACHE"
  cluster="bash test/kubernetes/cluster/cluster.sh"
  # shellcheck disable=SC2086 # words
  locked .cache/apt.lock $cluster build
  archive=$machine/kubernetes/images.tar
  # Built again when something changed that the images contain.
  sources=$(sh test/kubernetes/images.sh sources)
  if [ ! -f "$archive" ] || [ "$(cat "$archive.sources" 2>/dev/null)" != "$sources" ]; then
    rm -f "$archive.sources"
    sh test/kubernetes/images.sh save "$archive"
    echo "$sources" >"$archive.sources"
  fi
  trap '$cluster down' EXIT
  trap 'exit 130' INT TERM HUP
  $cluster down
  echo "cluster and images are there after $(($(date +%s) - began)) s"
  $cluster up "$archive"
  KUBECONFIG=$($cluster config)
  KUBECTL=$KUBERNETES_CACHE/root/usr/bin/kubectl
  export KUBECONFIG KUBECTL
  echo "the node is ready after $(($(date +%s) - began)) s"
fi
export KUBECTL="${KUBECTL:-$given}" ENV_FILE=/dev/null
PATH=$PWD/node_modules/.bin:$PATH vitest run --project kubernetes --reporter=verbose "$@"
