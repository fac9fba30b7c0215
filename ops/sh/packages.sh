#!/bin/sh
# Installs missing programs: packages.sh redis-server prometheus? chromium … A `?` after a name means that the stack
# also runs without it; one line then says so. On Debian and Ubuntu, as root, the script installs the missing ones. On
# other systems one line says what to install.
set -eu
. ops/sh/common.sh

# Debian's daemons are here. The PATH of a shell without login may lack it.
PATH=$PATH:/usr/sbin:/sbin

package_of() {
  case $1 in
    alertmanager) echo prometheus-alertmanager ;;
    promtool) echo prometheus ;;
    tini-static) echo tini ;;
    unshare) echo util-linux ;;
    ip) echo iproute2 ;;
    pgrep) echo procps ;;
    xz) echo xz-utils ;;
    turnserver) echo coturn ;;
    *) echo "$1" ;;
  esac
}
present() {
  case $1 in
    alertmanager) have alertmanager || have prometheus-alertmanager ;;
    prometheus-redis-exporter) have prometheus-redis-exporter || have redis_exporter ;;
    python3-*) [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import ${1#python3-}" 2>/dev/null ;;
    chromium) have chromium || have chromium-browser || have google-chrome ;;
    *) have "$1" ;;
  esac
}

needed='' wished=''
for name in "$@"; do
  present "${name%\?}" && continue
  case $name in
    *\?) wished="$wished $(package_of "${name%\?}")" ;;
    *) needed="$needed $(package_of "$name")" ;;
  esac
done
[ -n "$needed$wished" ] || exit 0

if ! have apt-get || [ "$(id -u)" != 0 ]; then
  if have apt-get; then how="sudo apt-get install --no-install-recommends"; else how="install"; fi
  [ -z "$needed" ] || die "missing:$needed. $how$needed$wished"
  echo "not installed, so left out:$wished ($how$wished)"
  exit 0
fi

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=400 -o Dpkg::Use-Pty=0 "$@" </dev/null >>.cache/apt.log 2>&1
}
apt() { ticking apt_get "$@"; }
fail() {
  tail -5 .cache/apt.log >&2
  die "apt-get cannot install$1: see .cache/apt.log, or install it by hand"
}

# Debian starts a daemon as soon as its package is installed (Redis, Prometheus on 9090 …). A policy-rc.d that answers
# 101 prevents that. The script always restores a policy-rc.d that existed before.
policy=/usr/sbin/policy-rc.d
ours='# kept by hold-the-line while it installs packages'
restore() {
  if grep -qsF "$ours" $policy; then rm -f $policy; fi
  [ ! -e $policy.before ] || mv -f $policy.before $policy
}
forbid_starts() {
  restore
  [ ! -e $policy ] || mv -f $policy $policy.before
  printf '#!/bin/sh\n%s\nexit 101\n' "$ours" >$policy
  chmod 755 $policy
}

mkdir -p .cache
: >.cache/apt.log
trap restore EXIT
trap 'exit 130' INT TERM HUP
forbid_starts
echo "installing with apt-get:$needed$wished"
if ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then apt update || fail " anything (apt-get update)"; fi
install() { apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }; }
# Installs all at once. If that fails, it installs the required ones together and the optional ones one by one.
# shellcheck disable=SC2086 # lists of names
if ! install $needed $wished; then
  [ -z "$needed" ] || install $needed || fail "$needed"
  for name in $wished; do install "$name" || echo "not installed, so left out: $name (.cache/apt.log says why)"; done
fi
