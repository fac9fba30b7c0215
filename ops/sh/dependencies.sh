#!/bin/sh
# Brings node_modules and the built call page up to date; run it under the lock .cache/dependencies.lock.
#
#   dependencies.sh        node_modules, installed anew only when package-lock.json changed
#   dependencies.sh web    and web/dist, built anew only when its sources did
set -eu
. ops/sh/common.sh

have npm || die "npm is missing: install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm)"
if have sha256sum; then hash=$(sha256sum package-lock.json); else hash=$(shasum -a 256 package-lock.json); fi
stamp=node_modules/.lock-hash
if [ ! -f "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
  # Installed by hand with npm ci: good as it is.
  echo "$hash" >"$stamp"
fi
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$hash" ]; then
  echo "installing dependencies (npm ci)"
  mkdir -p .cache
  # No package of ours needs an install script: their binaries come as packages.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >.cache/npm-ci.log 2>&1 || {
    tail -5 .cache/npm-ci.log >&2
    die "npm ci failed: see .cache/npm-ci.log"
  }
  echo "$hash" >"$stamp"
fi

PATH=$PWD/node_modules/.bin:$PATH
found=$(node -p 'process.versions.node' 2>/dev/null || echo 0)
[ "$(printf '%s\n24.18.1\n' "$found" | sort -t. -k1,1n -k2,2n -k3,3n | head -1)" = 24.18.1 ] || die "Node.js 24.18.1 or newer is needed on $(uname -s) $(uname -m), this is $(node -v 2>/dev/null || echo none): https://nodejs.org"

[ "${1:-}" = web ] && [ -f web/index.html ] || exit 0
if [ ! -f web/dist/index.html ] || [ -n "$(find web client common package-lock.json -path web/dist -prune -o -type f -newer web/dist/index.html -print | head -1)" ]; then
  echo "building the call page (vite build web)"
  vite build web --logLevel warn </dev/null >.cache/vite.log 2>&1 || {
    tail -5 .cache/vite.log >&2
    die "the call page cannot be built: see .cache/vite.log"
  }
fi
