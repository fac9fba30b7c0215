#!/bin/sh
# The images that the tests load into the cluster.
#
#   images.sh save ARCHIVE   build them and save them as one archive
#   images.sh sources        print a digest of the files that they are made of
#
# It uses the Docker Engine of test/compose. If it started the engine, it stops it at the end. Third-party images come
# from Debian packages (deploy/debian/images.sh).
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

# By content: a fresh clone has new dates.
sources() {
  find Dockerfile .dockerignore .npmrc package.json package-lock.json common client web proxy services deploy/debian test/kubernetes/images.sh \
    \( -name node_modules -o -name dist -o -name '*.test.ts' \) -prune -o -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

case ${1:-} in
  sources) sources; exit ;;
  save) [ -n "${2:-}" ] || die "usage: images.sh save ARCHIVE" ;;
  *) die "usage: images.sh save ARCHIVE, images.sh sources" ;;
esac
trap 'sh test/compose/engine.sh stop' EXIT
trap 'exit 130' INT TERM HUP
sh test/compose/engine.sh start
eval "$(sh test/compose/engine.sh env)"
sh deploy/debian/images.sh
for target in signaling proxy caller board; do
  docker build --quiet --target $target --build-arg IMAGE_NODE=local/node:24 --tag hold-the-line/$target:kubernetes . >/dev/null
done
images="hold-the-line/signaling:kubernetes hold-the-line/proxy:kubernetes hold-the-line/caller:kubernetes hold-the-line/board:kubernetes
local/redis:debian local/nats:debian local/redis_exporter:debian local/prometheus:debian local/alertmanager:debian"
# shellcheck disable=SC2086 # words
docker save --output "$2.new" $images
mv "$2.new" "$2"
echo "saved $images"
