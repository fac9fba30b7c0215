# shellcheck shell=sh
# Sourced by the scripts beside it, from the repository's root.

# Prints one line on standard error and exits.
die() {
  echo "make: $*" >&2
  exit 2
}

# Secrets that a user may give as NAME=value or NAME_FILE=path. make up creates the others.
given_secrets="ADMIN_TOKEN STICKY_SECRET RESUME_SECRET BACKPLANE_SECRET REDIS_PASSWORD REDIS_SENTINEL_PASSWORD NATS_PASSWORD JWT_SECRET TURN_SECRET GRAFANA_ADMIN_PASSWORD TRAINER_TOKEN"

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command that may be silent for long, and says every three seconds that it goes on.
ticking() {
  # If this shell is killed, the rest of the ticker holds no pipe and ends by itself.
  (n=0 && while sleep 3 </dev/null >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do n=$((n + 3)) && echo "… $n s"; done) &
  ticker=$! ticked=0
  "$@" || ticked=$?
  kill $ticker 2>/dev/null || true
  return $ticked
}

# The secret in a file. Newlines and CR at its end do not belong to it.
secret_of() {
  secret=$(cat "$1")
  cr=$(printf '\r')
  while [ "${secret%"$cr"}" != "$secret" ]; do secret=${secret%"$cr"}; done
  printf '%s' "$secret"
}

# Runs a command under a lock file, so that two parallel makes wait for each other. The command's children do not
# inherit the lock, because programs that keep running must not hold it. Without flock (macOS) the command runs without
# a lock.
locked() {
  lock=$1
  shift
  mkdir -p "$(dirname "$lock")"
  if have flock; then flock -o "$lock" "$@"; else "$@"; fi
}

# Parses a line of a settings file as Compose does (compose-go's dotenv), and sets $name and $value. Returns false if
# the line sets nothing. Sets $problem if make and Compose might read the line differently.
read_setting() {
  name='' value='' problem='' tab=$(printf '\t')
  setting=$1
  while :; do case $setting in *"$cr" | *' ' | *"$tab") setting=${setting%?} ;; *) break ;; esac; done
  while :; do case $setting in "$bom"*) setting=${setting#"$bom"} ;; ' '* | "$tab"*) setting=${setting#?} ;; *) break ;; esac; done
  case $setting in '' | '#'*) return 1 ;; esac
  case $setting in 'export '*) setting=${setting#export } ;; esac
  case $setting in *=*) ;; *) problem="is no NAME=value" && return 1 ;; esac
  name=${setting%%=*} value=${setting#*=}
  while :; do case $name in ' '* | "$tab"*) name=${name#?} ;; *' ' | *"$tab") name=${name%?} ;; *) break ;; esac; done
  while :; do case $value in ' '* | "$tab"*) value=${value#?} ;; *) break ;; esac; done
  case $name in '' | [0-9]* | *[!A-Za-z0-9_]*) problem="has no name of a variable before =" && return 1 ;; esac
  case $value in
    \"*)
      rest=${value#?} && value=${rest%%\"*}
      case $rest in *\"*) rest=${rest#*\"} ;; *) problem="has no closing quote" && return 1 ;; esac
      case $value in *[\\\$]*) problem="has \\ or \$ between double quotes, which Compose replaces: use single ones" && return 1 ;; esac
      ;;
    \'*)
      rest=${value#?} && value=${rest%%\'*}
      case $rest in *\'*) rest=${rest#*\'} ;; *) problem="has no closing quote" && return 1 ;; esac
      ;;
    '#'*) problem="has a value that begins with #: quote it, or write nothing behind =" && return 1 ;;
    *)
      rest=''
      case $value in *' #'* | *"$tab#"*) value=${value%%[ "$tab"]#*} ;; esac
      while :; do case $value in *' ' | *"$tab") value=${value%?} ;; *) break ;; esac; done
      case $value in *\$*) problem="has a \$, which Compose replaces: quote the value with single quotes" && return 1 ;; esac
      ;;
  esac
  case $rest in '' | ' '* | "$tab"*) ;; *) problem="goes on behind its closing quote" && return 1 ;; esac
  while :; do case $rest in ' '* | "$tab"*) rest=${rest#?} ;; *) break ;; esac; done
  case $rest in '' | '#'*) ;; *) problem="goes on behind its closing quote" && return 1 ;; esac
}
cr=$(printf '\r') bom=$(printf '\357\273\277')

# Reads a settings file. A variable that is already set wins.
load_env() {
  [ -f "$1" ] || return 0
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    read_setting "$line" || {
      [ -z "$problem" ] || die "$1, line $number, $problem"
      continue
    }
    eval "[ -n \"\${$name:-}\" ]" && continue
    export "$name=$value"
  done <"$1"
}

# Reads the settings that make saved, NAME=value with literal values. They win.
load_saved() {
  [ -f "$1" ] || return 0
  while IFS= read -r line; do
    case ${line%%=*} in '' | *[!A-Z0-9_]*) continue ;; esac
    export "${line%%=*}=${line#*=}"
  done <"$1"
}

# Exits if a setting differs from the one at the start of a stack on compose. The process engine stores its settings
# elsewhere and checks them itself.
refuse_others() {
  [ -f "$1" ] || return 0
  others=$(while IFS= read -r line; do
    case ${line%%=*} in ENGINE | STACK | PORT_BASE | ENV_FILE | '' | *[!A-Z0-9_]*) continue ;; esac
    eval "now=\${${line%%=*}:-}"
    # It is saved as an absolute path.
    case ${line%%=*}$now in APP?*) now=$(cd "$(dirname "$now")" 2>/dev/null && pwd)/$(basename "$now") ;; esac
    [ -z "$now" ] || [ "$now" = "${line#*=}" ] || echo "${line%%=*}"
  done <"$1")
  [ -z "$others" ] || die "the stack \"$STACK\" is up with another $(echo $others): make down first"
}

# Exits for settings of the backplane's servers that do not go together.
refuse_servers() {
  [ "${REDIS:-single} ${BACKPLANE:-}" != "sentinel nats" ] || die "BACKPLANE=nats uses no Redis: leave REDIS=sentinel out"
  [ "${REDIS:-single}" = cluster ] || return 0
  [ "${BACKPLANE:-sharded}" = sharded ] || die "REDIS=cluster needs BACKPLANE=sharded, not $BACKPLANE: leave BACKPLANE out"
  [ -z "${APP:-}" ] || die "REDIS=cluster is for the replicas of the kit: an application gets the address of one Redis"
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
  if [ -f "${ENV_FILE:-.env}" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      if read_setting "$line" && [ -n "$value" ]; then echo "$name"; fi
    done <"${ENV_FILE:-.env}"
  fi
  case ${MAKEFLAGS:-} in *'-- '*) ;; *) return 0 ;; esac
  for word in ${MAKEFLAGS#*-- }; do
    name=${word%%=*}
    case $word in [A-Z]*=?*) ;; *) continue ;; esac
    case $name in *[!A-Z0-9_]*) ;; *) echo "$name" ;; esac
  done
}

# Prints a line for each given variable that the engine does not read (engine_reads of compose.sh and process.sh).
name_unread() {
  for name in $(given_variables | sort -u); do
    engine_reads "$name" || echo "make: $name is set, but nothing on the $ENGINE engine reads it (.env.example lists the variables)" >&2
  done
}
