#!/bin/sh
# make test-compose: tests the stack on a real Docker Engine, with images of Debian packages, in its own projects and on
# its own ports.
#
#   run.sh [FILE…]     all tests, or those files
#
# It fetches missing parts: an engine (test/compose/engine.sh), images (deploy/debian/images.sh), Chromium. If the tests
# started the engine, they stop it at the end.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh

began=$(date +%s)
# The tests' stacks must not get a stack's settings from the environment.
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
