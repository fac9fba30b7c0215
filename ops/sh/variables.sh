# shellcheck shell=sh
# Sourced: checks make's variables and turns them into arguments of the ops CLI. Values come only through the
# environment and are never part of shell code, so any room name is plain data.

# Variables of single targets; .env.example lists those of the stack.
target_variables="NODE PROXY SERVER SERVICE LEVEL ROOM MS JITTER ALERT ONCE N DRILL SEED CALLS CONTROL DRY_RUN JSON REPEAT MINUTES SUBJECT ROLE TTL_SECONDS SOCKETIO_REPO URL APP PID CONTAINER ONLY READY PATHS UPLOAD SLOW WS ENGINE_IO IDLE_S PICTURES REST PEERS SIGNALS"

# A value as one printable line.
shown() { printf '%.60s' "$1" | LC_ALL=C tr -c ' -~' '?'; }

# whole VALUE MIN MAX
whole() {
  wanted="a whole number from $2 to $3"
  case $1 in '' | *[!0-9]* | ??????????*) return 1 ;; esac
  [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}
# one_of VALUE WORD…
one_of() {
  value=$1
  shift
  wanted="one of $*"
  for word in "$@"; do
    if [ "$value" = "$word" ]; then return; fi
  done
  return 1
}
# plain VALUE WHAT: letters, digits and the punctuation of names, addresses and paths, in words with blanks between.
plain() {
  wanted=$2
  case $1 in *[!A-Za-z0-9\ ._:/@*,=+-]* | -*) return 1 ;; esac
}
# text VALUE BYTES
text() {
  wanted="text of at most $2 bytes without control characters"
  case $1 in *[[:cntrl:]]*) return 1 ;; esac
  [ ${#1} -le "$2" ]
}

# allowed NAME VALUE: false if the value is not allowed. $wanted then describes allowed values.
allowed() {
  case $1 in
    NODE)
      if one_of "${2#signaling-}" 0 1 2 3 4 5; then return; fi
      wanted="1 to 5 (0 to 4 on kubernetes), or signaling-1 to signaling-5"
      return 1
      ;;
    SERVICE)
      wanted="names of services, as make status lists them"
      case $2 in *[!a-z0-9\ -]* | -* | *\ -*) return 1 ;; esac
      ;;
    LEVEL) one_of "$2" trace debug info warn error fatal 1 2 3 ;;
    ROOM) text "$2" 512 ;;
    PEERS | SIGNALS) plain "$2" "a number" ;;
    SUBJECT) text "$2" 256 ;;
    ROLE) one_of "$2" peer listener ;;
    TTL_SECONDS) whole "$2" 1 31536000 ;;
    MS | JITTER) whole "$2" 0 60000 ;;
    ONCE | CONTROL | DRY_RUN | JSON | PICTURES | REST | GRAFANA | TURN_ALLOW_PRIVATE) one_of "$2" 0 1 ;;
    PROXY | PROXIES) one_of "$2" 1 2 ;;
    REDIS) one_of "$2" single sentinel cluster ;;
    NATS) one_of "$2" single cluster ;;
    SERVER) one_of "$2" 1 2 3 4 5 6 ;;
    N) whole "$2" 1 5 ;;
    SEED) whole "$2" 0 1000000 ;;
    CALLS) whole "$2" 0 2000 ;;
    REPEAT) whole "$2" 1 100 ;;
    MINUTES) whole "$2" 1 10080 ;;
    ALERT) wanted="the name of an alert (docs/runbooks)" && case $2 in *[!A-Za-z]*) return 1 ;; esac ;;
    DRILL) wanted="the name of a drill (make drills)" && case $2 in *[!a-z-]* | -*) return 1 ;; esac ;;
    URL) plain "$2" "a URL, http://… or https://…" && case $2 in http://?* | https://?*) ;; *) return 1 ;; esac ;;
    ONLY) wanted="names of attacks, comma-separated" && case $2 in *[!a-z0-9,-]* | -*) return 1 ;; esac ;;
    IDLE_S) whole "$2" 1 3600 ;;
    READY | PATHS | UPLOAD | SLOW | WS | ENGINE_IO) text "$2" 4096 ;;
    PID) whole "$2" 1 4194304 ;;
    CONTAINER) wanted="the name of a container" && case $2 in *[!A-Za-z0-9_.-]* | [!A-Za-z0-9]*) return 1 ;; esac ;;
    SOCKETIO_REPO) plain "$2" "a directory" && [ -d "$2" ] ;;
    ENGINE) one_of "$2" compose process kubernetes ;;
    PROFILE) one_of "$2" full minimal ;;
    SLO_WINDOWS) one_of "$2" drill prod ;;
    BACKPLANE) one_of "$2" pubsub sharded streams nats ;;
    STACK) wanted="lower-case letters, digits, - and _, a letter or digit first" && case $2 in *[!a-z0-9_-]* | [!a-z0-9]*) return 1 ;; esac ;;
    PORT_BASE) whole "$2" 0 50000 ;;
    *_PORT) whole "$2" 1 65535 ;;
    OVERLAYS)
      wanted="directories of deploy/ with a compose.yaml"
      case $2 in *[!a-z0-9\ -]* | -*) return 1 ;; esac
      for overlay in $2; do [ -f "deploy/$overlay/compose.yaml" ] || return 1; done
      ;;
    TURN_RELAY_PORTS)
      if whole "${2%-*}" 1024 65535 && whole "${2#*-}" "${2%-*}" 65535; then return; fi
      wanted="two ports, as 49160-49199"
      return 1
      ;;
    PUBLIC_BIND | TURN_HOST | TLS_NAMES) plain "$2" "names or addresses" ;;
    IMAGE_*) plain "$2" "the reference of an image" ;;
    ENV_FILE | CERTS_DIR | *_FILE) text "$2" 4096 ;;
    *) text "$2" 65536 ;;
  esac
}

# Checks all variables of make and of the stack before any action. Exits with one line at the first value that is not
# allowed.
check_variables() {
  # NODE can come from npm: it is then the path of a program and not a replica.
  case ${MAKELEVEL:-}${NODE:-} in /*) unset NODE ;; esac
  for name in ENV_FILE $target_variables STACK ENGINE $(known_variables); do
    eval "given=\${$name:-}"
    [ -z "$given" ] || allowed "$name" "$given" || die "$name=$(shown "$given"): must be $wanted"
  done
}
