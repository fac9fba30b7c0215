# shellcheck shell=sh
# Sourced by the scripts beside it, from the repository's root.

# One line on standard error, and the end.
die() {
  echo "make: $*" >&2
  exit 2
}

# Secrets that a person may give, as NAME=value or NAME_FILE=path; make up creates those that nobody gives.
given_secrets="ADMIN_TOKEN STICKY_SECRET RESUME_SECRET BACKPLANE_SECRET REDIS_PASSWORD JWT_SECRET TURN_SECRET GRAFANA_ADMIN_PASSWORD TRAINER_TOKEN"

have() { command -v "$1" >/dev/null 2>&1; }

# The secret in a file. Newlines at its end, CR too, are no part of it.
secret_of() {
  secret=$(cat "$1")
  cr=$(printf '\r')
  while [ "${secret%"$cr"}" != "$secret" ]; do secret=${secret%"$cr"}; done
  printf '%s' "$secret"
}

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

# Names of the variables that the file of settings or make's command line sets.
given_variables() {
  if [ -f "${ENV_FILE:-.env}" ]; then sed -n 's/^\([A-Z][A-Z0-9_]*\)=..*/\1/p' "${ENV_FILE:-.env}"; fi
  case ${MAKEFLAGS:-} in *'-- '*) ;; *) return 0 ;; esac
  for word in ${MAKEFLAGS#*-- }; do
    name=${word%%=*}
    case $word in [A-Z]*=?*) ;; *) continue ;; esac
    case $name in *[!A-Z0-9_]*) ;; *) echo "$name" ;; esac
  done
}

# A line for each given variable that the engine does not read (engine_reads of compose.sh and process.sh).
name_unread() {
  for name in $(given_variables | sort -u); do
    engine_reads "$name" || echo "make: $name is set, but nothing on the $ENGINE engine reads it (.env.example lists the variables)" >&2
  done
}
