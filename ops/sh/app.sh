# shellcheck shell=sh disable=SC2154
# Sourced by compose.sh: sets the variables of deploy/app/compose.yaml from the file that APP names. The ops CLI checks
# the complete file (ops/app/app-file.ts). This script runs without Node and reads only the settings for Compose.

# read_app FILE: sets APP_… from it, and writes all other variables to the application's own file of this stack.
read_app() {
  [ -f "$1" ] || die "APP=$(shown "$1"): there is no such file (docs/adopt.md describes it)"
  APP_FOLDER=$(cd "$(dirname "$1")" && pwd)
  APP=$APP_FOLDER/$(basename "$1") APP_ENV_FILE=$PWD/$state/app.env APP_PROMETHEUS=$PWD/$state/prometheus.yml
  # Values from the environment must not replace settings that are missing in the file.
  for name in IMAGE BUILD PORT PORT_VARIABLE HOST_VARIABLE NODE_VARIABLE REDIS_VARIABLE READY METRICS PATHS \
    ENGINE_IO_PATHS MAX_BODY_BYTES PEER PEER_PATH PEER_HELLO MEMORY READ_ONLY; do unset "APP_$name"; done
  mkdir -p "$state"
  (umask 077 && : >"$APP_ENV_FILE")
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    read_setting "$line" || {
      # APP_COMMAND is for ENGINE=process and may use variables.
      [ -z "$problem" ] || [ "$name" = APP_COMMAND ] || die "$1, line $number, $problem"
      continue
    }
    case $name in
      APP_COMMAND | APP_DIR) ;;
      APP_*) [ -z "$value" ] || export "$name=$value" ;;
      *) printf '%s=%s\n' "$name" "$value" >>"$APP_ENV_FILE" ;;
    esac
  done <"$1"
  [ -n "${APP_IMAGE:-}" ] || die "APP=$(shown "$1"): set APP_IMAGE for ENGINE=compose, the image that holds the application"
  case " ${OVERLAYS:-} " in *' chaos '*) die "OVERLAYS=chaos: its links are for this project's replicas; an application reaches Redis directly" ;; esac
  export APP APP_FOLDER APP_ENV_FILE APP_PROMETHEUS
  # Settings of the stack override the file's settings for the proxy and the callers.
  PROXY_PATHS=${PROXY_PATHS:-${APP_PATHS:-/*}} ENGINE_IO_PATHS=${ENGINE_IO_PATHS:-${APP_ENGINE_IO_PATHS:-/socket.io/}}
  REPLICA_HEADER=${REPLICA_HEADER:-x-replica} MAX_BODY_BYTES=${MAX_BODY_BYTES:-${APP_MAX_BODY_BYTES:-}}
  PEER=${PEER:-${APP_PEER:-engine}} PEER_PATH=${PEER_PATH:-${APP_PEER_PATH:-}} PEER_HELLO=${PEER_HELLO:-${APP_PEER_HELLO:-}}
  # deploy/app/compose.yaml mounts the file's folder here.
  case $PEER in ./*) PEER=/app/examples/app/${PEER#./} ;; esac
  # The application's sessions may not name their replica. A peer without the cookie would soon lose its session.
  PEER_COOKIELESS=${PEER_COOKIELESS:-0}
  export PROXY_PATHS ENGINE_IO_PATHS REPLICA_HEADER MAX_BODY_BYTES PEER PEER_PATH PEER_HELLO PEER_COOKIELESS
  sh ops/sh/secrets.sh
  APP_REDIS_PASSWORD=$(secret_of .secrets/REDIS_APP_PASSWORD)
  case $APP_REDIS_PASSWORD in *[!A-Za-z0-9._~-]*) die ".secrets/REDIS_APP_PASSWORD: must be letters, digits, . _ ~ and -: it is part of a URL" ;; esac
  export APP_REDIS_PASSWORD
  prometheus_of_app >"$APP_PROMETHEUS"
  chmod a+r "$APP_PROMETHEUS"
}

# Writes prometheus/prometheus.yml with the application's metrics in place of the replicas', or without any.
prometheus_of_app() {
  if [ -n "${APP_METRICS:-}" ]; then
    sed -e "s|^  - job_name: signaling\$|&\n    metrics_path: '$APP_METRICS'|" \
      -e "s|\"signaling-\([0-9]\):9100\"|\"signaling-\1:${APP_PORT:-3000}\"|g" prometheus/prometheus.yml
  else
    sed 's|targets: \["signaling-1:9100".*\]|targets: []|' prometheus/prometheus.yml
  fi
}

# Builds the image of an application with a Dockerfile. APP_BUILD is its folder, relative to the file.
build_app() {
  [ -n "${APP_BUILD:-}" ] || return 0
  case $APP_BUILD in /*) folder=$APP_BUILD ;; *) folder=$APP_FOLDER/$APP_BUILD ;; esac
  [ -f "$folder/Dockerfile" ] || die "APP_BUILD=$(shown "$APP_BUILD"): there is no $folder/Dockerfile"
  quietly docker build --tag "$APP_IMAGE" --build-arg "IMAGE_NODE=${IMAGE_NODE:-node:24-trixie-slim}" "$folder"
}
