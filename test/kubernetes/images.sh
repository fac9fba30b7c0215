#!/bin/sh
# Builds the images that the tests load into the cluster, and saves them as one archive: images.sh ARCHIVE
#
# It uses the Docker Engine of test/compose. If it started the engine, it stops it at the end. Third-party images come
# from Debian packages (deploy/debian/images.sh).
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

trap 'sh test/compose/engine.sh stop' EXIT
trap 'exit 130' INT TERM HUP
sh test/compose/engine.sh start
eval "$(sh test/compose/engine.sh env)"
sh deploy/debian/images.sh
for target in signaling proxy caller; do
  docker build --quiet --target $target --build-arg IMAGE_NODE=local/node:24 --tag hold-the-line/$target:kubernetes . >/dev/null
done
images="hold-the-line/signaling:kubernetes hold-the-line/proxy:kubernetes hold-the-line/caller:kubernetes
local/redis:debian local/redis_exporter:debian local/prometheus:debian local/alertmanager:debian"
# shellcheck disable=SC2086 # words
docker save --output "$1.new" $images
mv "$1.new" "$1"
echo "saved $images"
