# shellcheck shell=sh disable=SC2154
# The part of stack.sh for Kubernetes (sourced): kubectl on the context KUBE_CONTEXT, in the namespace STACK, and
# ops/cli.ts on this host.

KUBECTL=${KUBECTL:-kubectl}
have "$KUBECTL" || die "$KUBECTL is missing: install kubectl, or set KUBECTL"
[ -n "${KUBE_CONTEXT:-}" ] || die "ENGINE=kubernetes needs KUBE_CONTEXT, the context to use: $KUBECTL config get-contexts"
case $STACK in *_*) die "STACK=$STACK is the name of a namespace here: lower-case letters, digits and -" ;; esac
export KUBECTL KUBE_CONTEXT
kube() { "$KUBECTL" --context "$KUBE_CONTEXT" --namespace "$STACK" "$@"; }
# A cluster that does not answer must not look like a stack that is not up.
said=$("$KUBECTL" --context "$KUBE_CONTEXT" --request-timeout=10s get --raw /version 2>&1 >/dev/null) ||
  die "KUBE_CONTEXT=$KUBE_CONTEXT: no cluster answers: $(echo "$said" | tail -1)$([ "$1" != down ] || echo "; if it is gone for good: rm -r $state")"
# make down deletes only a namespace that make up made.
made_by=app.kubernetes.io/created-by=hold-the-line-make

dependencies() { locked .cache/dependencies.lock sh ops/sh/dependencies.sh "$@" || exit $?; }
ops() { PATH=$PWD/node_modules/.bin:$PATH node ops/cli.ts "$@"; }

# Settings of the programs are in the overlay's ConfigMap. make reads the names, the ports and the secrets.
engine_reads() {
  case $1 in
    ENGINE | STACK | PORT_BASE | ENV_FILE | KUBECTL | KUBE_CONTEXT | KUBE_OVERLAY | TOKEN | *_PORT) return 0 ;;
  esac
  case " $given_secrets " in *" $1 "*) return 0 ;; esac
  return 1
}

# The process that keeps the port-forwards, if it runs.
forwarder() {
  pid=$(cat "$state/forward.pid" 2>/dev/null) || return 0
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'ops/cli.ts forward' && echo "$pid" || true
}
end_forwarder() {
  pid=$(forwarder)
  [ -n "$pid" ] || return 0
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  rm -f "$state/forward.pid"
}

# True if the stack's namespace is there. Exits if somebody else made it.
own_namespace() {
  labels=$(kube get namespace "$STACK" --ignore-not-found --show-labels --no-headers) || exit $?
  case $labels in
    '') return 1 ;;
    *"$made_by"*) return 0 ;;
    *) die "the namespace \"$STACK\" of $KUBE_CONTEXT was not made by make up: take another STACK" ;;
  esac
}

engine_up() {
  folder=${KUBE_OVERLAY:-deploy/kubernetes/monitored}
  case $folder in /*) false ;; *) [ -f "$folder/kustomization.yaml" ] ;; esac ||
    die "KUBE_OVERLAY=$folder: must be a folder of this checkout with a kustomization.yaml"
  if own_namespace; then there=1; else there=''; fi
  sh ops/sh/ports.sh PROXY_PORT PROXY_ADMIN_PORT PROXY_2_ADMIN_PORT CALLER_ADMIN_PORT PROMETHEUS_PORT ALERTMANAGER_PORT \
    NATS_PORT NATS_2_PORT NATS_3_PORT \
    SIGNALING_1_ADMIN_PORT SIGNALING_2_ADMIN_PORT SIGNALING_3_ADMIN_PORT SIGNALING_4_ADMIN_PORT SIGNALING_5_ADMIN_PORT || exit $?
  dependencies
  sh ops/sh/secrets.sh
  [ -n "$there" ] || kube create namespace "$STACK" --save-config >/dev/null || exit $?
  kube label --overwrite namespace "$STACK" "$made_by" >/dev/null || exit $?
  overlay=$state/kubernetes
  mkdir -p "$overlay"
  printf 'ENGINE=kubernetes\nPORT_BASE=%s\nKUBE_CONTEXT=%s\nKUBECTL=%s\n' "$PORT_BASE" "$KUBE_CONTEXT" "$KUBECTL" >"$state/up.env"
  # Only the namespace is this stack's own.
  cat >"$overlay/kustomization.yaml" <<Y
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $STACK
resources: [../../../$folder]
Y
  sh deploy/kubernetes/secret.sh | kube apply --filename - >/dev/null || exit $?
  kube apply -k "$overlay" >/dev/null || exit $?
  for workload in $(kube get deployments,statefulsets --output name); do
    kube rollout status "$workload" --timeout=180s >/dev/null || die "$workload is not ready: $KUBECTL --context $KUBE_CONTEXT -n $STACK describe $workload"
  done
  end_forwarder
  setsid nohup sh -c 'PATH=$PWD/node_modules/.bin:$PATH exec node ops/cli.ts forward' >"$state/forward.log" 2>&1 </dev/null &
  echo $! >"$state/forward.pid"
  ops wait
}
engine_down() {
  end_forwarder
  if own_namespace; then
    # Kubernetes looks after a namespace only now and then while pods end in it.
    kube delete deployments,statefulsets --all --cascade=foreground --timeout=180s >/dev/null || exit $?
    "$KUBECTL" --context "$KUBE_CONTEXT" delete namespace "$STACK" --timeout=180s >/dev/null || exit $?
    echo "deleted the namespace \"$STACK\" of $KUBE_CONTEXT"
  else
    echo "the stack \"$STACK\" is not up"
  fi
  rm -rf "$state/up.env" "$state/broken.json" "$state/kubernetes" "$state/forward.log"
  for name in $given_secrets; do rm -f ".secrets/$name.$STACK"; done
}
engine_services() { kube get pods --output 'jsonpath={range .items[*]}{.metadata.labels.app}{"\n"}{end}' 2>/dev/null | sort -u; }
# kubectl provides the lines; the ops CLI formats and filters them.
engine_logs() {
  selector=app services='' follow=--follow tail=20 n=$#
  while [ "$n" -gt 0 ]; do
    arg=$1
    shift
    n=$((n - 1))
    case $arg in
      --node) selector=statefulset.kubernetes.io/pod-name=signaling-${1#signaling-}; shift; n=$((n - 1)) ;;
      --level | --room) set -- "$@" "$arg" "$1"; shift; n=$((n - 1)) tail=1000 ;;
      --no-follow) follow='' ;;
      *) services="$services,$arg" ;;
    esac
  done
  [ -z "$services" ] || selector="app in (${services#,})"
  # shellcheck disable=SC2086 # nothing where empty
  kube logs --selector "$selector" --prefix $follow --tail "$tail" --max-log-requests 50 |
    sed -u 's#^\[pod/\([^/]*\)/[^]]*\] #\1 | #' | ops logs --stdin "$@"
}
engine_ops() {
  dependencies
  [ -n "$(forwarder)" ] || die "the stack \"$STACK\" is not up, or its port-forwards ended: make up"
  ops "$@"
}
