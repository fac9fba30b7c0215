#!/bin/sh
# Programs for the tests of deploy/kubernetes, from Debian packages that apt verifies (deploy/debian/apt.sh). They are
# unpacked beside the system and kept between runs. Run it on Debian; it installs nothing.
#
#   tools.sh env       fetch what is missing, and print shell lines with their paths: eval "$(sh test/kubernetes/tools.sh env)"
#
# KUSTOMIZE renders. MANIFEST_DECODER (decoder/main.go) is built with Debian's packages of Kubernetes' own types.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. deploy/debian/apt.sh

prefix=$machine/kubernetes

# unpack DIRECTORY PACKAGES: unpacks them and what they need of golang-*, once.
unpack() {
  [ ! -d "$prefix/$1" ] || return 0
  have apt-get || die "these tools come from Debian packages: run this on Debian"
  into=$prefix/$1
  shift
  rm -rf "$into.new" "$prefix/debs"
  mkdir -p "$into.new" "$prefix/debs/partial"
  (
    use_private_apt
    apt-get -y -qq --no-install-recommends --download-only -o Dir::Cache::archives="$prefix/debs" install "$@" >&2
  )
  for deb in "$prefix"/debs/*.deb; do
    case $(basename "$deb") in golang-* | kustomize_*) dpkg-deb -x "$deb" "$into.new" ;; esac
  done
  rm -rf "$prefix/debs"
  mv "$into.new" "$into"
}

decoder() {
  built=$prefix/manifest-decoder
  [ ! -x "$built" ] || [ "$built" -ot test/kubernetes/decoder/main.go ] || return 0
  unpack go golang-k8s-client-go-dev golang-go
  go=$(echo "$prefix"/go/usr/lib/go-1.*/bin/go)
  rm -rf "$prefix/gopath" && mkdir -p "$prefix/gopath/src/decoder"
  cp test/kubernetes/decoder/main.go "$prefix/gopath/src/decoder/"
  (
    cd "$prefix/gopath/src/decoder"
    env GOROOT="${go%/bin/go}" GOPATH="$prefix/gopath:$prefix/go/usr/share/gocode" GO111MODULE=off GOCACHE="$prefix/gocache" \
      CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS= HOME="$prefix" "$go" build -ldflags '-s -w' -o "$built.new" . >&2
  )
  mv "$built.new" "$built"
  rm -rf "$prefix/go" "$prefix/gocache" "$prefix/gopath"
}

case ${1:-} in
  env)
    mkdir -p "$prefix"
    unpack kustomize kustomize
    decoder
    echo "export KUSTOMIZE=$prefix/kustomize/usr/bin/kustomize MANIFEST_DECODER=$prefix/manifest-decoder"
    ;;
  *) die "usage: tools.sh env" ;;
esac
