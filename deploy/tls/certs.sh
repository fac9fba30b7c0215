#!/bin/sh
# A local CA and a certificate for the proxy under certs/: `make certs`. A second run makes a new certificate of the
# same CA. A running proxy loads it on SIGHUP; make prints the command. TLS_NAMES="call.example 192.0.2.7" adds names
# and addresses. A browser that imports certs/ca.pem trusts the certificate. Anyone with certs/ca.key can then
# impersonate any site to that browser.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
load_env .env
have openssl || die "openssl is missing: install it (Debian: apt-get install openssl), or put your own certificate under certs/proxy/ (docs/compose.md)"

# Only this user can open certs/. The proxy's container, which has a user of its own, gets only certs/proxy/.
umask 022
certs=${CERTS_DIR:-certs}
mkdir -p "$certs/proxy"
chmod 700 "$certs"
work=$(mktemp -d "$certs/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [ ! -s "$certs/ca.key" ] || [ ! -s "$certs/ca.pem" ]; then
  (umask 077 && key "$certs/ca.key")
  openssl req -x509 -new -key "$certs/ca.key" -sha256 -days 3650 -subj "/CN=hold-the-line local CA" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign -out "$certs/ca.pem"
fi
names=DNS:localhost,DNS:proxy,DNS:proxy-2,DNS:balancer,IP:127.0.0.1,IP:::1
for name in ${TLS_NAMES:-}; do
  case $name in
    *[!0-9.]*) case $name in *:*) names=$names,IP:$name ;; *) names=$names,DNS:$name ;; esac ;;
    *) names=$names,IP:$name ;;
  esac
done
key "$work/key.pem"
printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n' "$names" >"$work/extensions"
openssl req -new -key "$work/key.pem" -subj "/CN=hold-the-line proxy" -out "$work/request"
openssl x509 -req -in "$work/request" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
  -sha256 -days 397 -extfile "$work/extensions" -out "$work/cert.pem" 2>/dev/null
chmod 644 "$work/key.pem"
mv "$work/key.pem" "$certs/proxy/key.pem"
mv "$work/cert.pem" "$certs/proxy/cert.pem"
echo "$certs/proxy/cert.pem: $names, until $(openssl x509 -in "$certs/proxy/cert.pem" -noout -enddate | cut -d= -f2)"
echo "start with it: OVERLAYS=tls make up. A running proxy takes it over with: docker compose kill --signal HUP proxy"
