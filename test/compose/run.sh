#!/bin/sh
# make test-compose: the stack on a real Docker Engine, images of Debian packages, projects and ports of its own.
#
#   run.sh [FILE…]     all tests, or those files
#
# What it needs and finds nowhere it gets: an engine (test/compose/engine.sh), images (deploy/debian/images.sh),
# Chromium. The engine ends with the tests where they started it.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

began=$(date +%s)
# Settings of a stack that a shell exports are not those of the tests' stacks.
for name in STACK PORT_BASE ENGINE OVERLAYS $(known_variables); do unset "$name"; done
locked .cache/apt.lock sh ops/sh/packages.sh chromium openssl unshare ip
trap 'sh test/compose/engine.sh stop' EXIT
trap 'exit 130' INT TERM HUP
sh test/compose/engine.sh start
eval "$(sh test/compose/engine.sh env)"
sh deploy/debian/images.sh
load_env deploy/debian/images.env
locked .cache/dependencies.lock sh ops/sh/dependencies.sh web
echo "engine, images and dependencies are there after $(($(date +%s) - began)) s"
[ -t 1 ] || export NO_COLOR=1
PATH=$PWD/node_modules/.bin:$PATH vitest run --config test/compose/vitest.config.ts --reporter=verbose "$@"
