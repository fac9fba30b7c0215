# shellcheck shell=sh
# Sourced by the scripts beside it, from the repository's root.

# One line on standard error, and the end.
die() {
  echo "make: $*" >&2
  exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command under a lock file, so that two makes side by side wait for each other. The lock is not handed down
# to the command's children: what stays running must not hold it. Without flock (macOS) it just runs.
locked() {
  lock=$1
  shift
  mkdir -p "$(dirname "$lock")"
  if have flock; then flock -o "$lock" "$@"; else "$@"; fi
}

# Reads KEY=value lines; a variable that is set already wins, unless `over` is given.
load_env() {
  [ -f "$1" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    name=${line%%=*}
    case $line in [A-Z]*=*) ;; *) continue ;; esac
    case $name in *[!A-Z0-9_]*) continue ;; esac
    value=${line#*=}
    case $value in
      \"*\") value=${value#\"} value=${value%\"} ;;
      \'*\') value=${value#\'} value=${value%\'} ;;
    esac
    [ "${2:-}" != over ] && eval "[ -n \"\${$name:-}\" ]" && continue
    export "$name=$value"
  done <"$1"
}

# Every default port plus PORT_BASE, exported under its variable's name unless that is set.
export_ports() {
  while IFS='=' read -r name port; do
    case $name in [A-Z]*_PORT) ;; *) continue ;; esac
    eval "[ -n \"\${$name:-}\" ]" && continue
    export "$name=$((port + PORT_BASE))"
  done <ops/ports.env
}

# Names of the variables that .env.example lists.
known_variables() {
  [ -f .env.example ] || return 0
  sed -n 's/^#\{0,1\} \{0,1\}\([A-Z][A-Z0-9_]*\)=.*/\1/p' .env.example
}
