#!/bin/sh
# Updates node_modules and the built pages. Run it under the lock .cache/dependencies.lock.
#
#   dependencies.sh        node_modules, installed again only when package-lock.json has changed
#   dependencies.sh web    and the pages, built again only when their sources have changed
set -eu
. ops/sh/common.sh

have npm || die "npm is missing: install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm)"
if have sha256sum; then hash=$(sha256sum package-lock.json); else hash=$(shasum -a 256 package-lock.json); fi
stamp=node_modules/.lock-hash
if [ ! -f "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
  # A user installed them with npm ci; they are used unchanged.
  echo "$hash" >"$stamp"
fi
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$hash" ]; then
  echo "installing dependencies (npm ci)"
  mkdir -p .cache
  # No dependency needs an install script: their binaries come as packages.
  install() { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >.cache/npm-ci.log 2>&1; }
  ticking install || {
    tail -5 .cache/npm-ci.log >&2
    die "npm ci failed: see .cache/npm-ci.log"
  }
  echo "$hash" >"$stamp"
fi

PATH=$PWD/node_modules/.bin:$PATH
found=$(node -p 'process.versions.node' 2>/dev/null || echo 0)
[ "$(printf '%s\n24.18.1\n' "$found" | sort -t. -k1,1n -k2,2n -k3,3n | head -1)" = 24.18.1 ] || die "Node.js 24.18.1 or newer is needed on $(uname -s) $(uname -m), this is $(node -v 2>/dev/null || echo none): https://nodejs.org"

[ "${1:-}" = web ] || exit 0
built() { vite build "$page" --logLevel warn </dev/null >.cache/vite.log 2>&1; }
# build NAME DIRECTORY SOURCE…: builds a page if a source is newer than the last build.
build() {
  name=$1 page=$2
  shift 2
  [ -f "$page/index.html" ] || return 0
  [ -f "$page/dist/index.html" ] && [ -z "$(find "$@" package-lock.json -path "$page/dist" -prune -o -type f -newer "$page/dist/index.html" -print | head -1)" ] && return 0
  echo "building $name (vite build $page)"
  ticking built || {
    tail -5 .cache/vite.log >&2
    die "$name cannot be built: see .cache/vite.log"
  }
}
mkdir -p .cache
build "the call page" web web client common
build "the board" services/board/page services/board common
