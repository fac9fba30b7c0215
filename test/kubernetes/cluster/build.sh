#!/bin/bash
# Builds Kubernetes 1.20 from Debian 12's own source package, once: 5 minutes on two cores, 4 GB while it runs, 700 MB
# after. Packages and source are verified by apt (deploy/debian/apt.sh) and unpacked beside the system.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. ops/sh/common.sh
suite=bookworm DEBIAN_SUITE=bookworm
. deploy/debian/apt.sh
here=$PWD/test/kubernetes/cluster
. "$here/paths.sh"

# go: the toolchain and the one library that is newer in Debian than the source's own. The rest runs the node.
packages="etcd-server etcd-client containerd runc containernetworking-plugins kubernetes-client conntrack iptables ipset
libipset13 busybox-static dnsmasq-base libnetfilter-conntrack3 libnfnetlink0 libnftables1 libnftnl11 libjansson4 libmnl0
libxtables12 libip4tc2 libip6tc2 socat"
for_build="golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev rsync libpopt0 liblz4-1 libxxhash0 make"

# unpack DIRECTORY PACKAGES
unpack() {
  local into=$1
  shift
  mkdir -p "$into" "$K/debs"
  # shellcheck disable=SC2068 # words
  (cd "$K/debs" && apt-get download -qq $@ && for deb in *.deb; do dpkg-deb -x "$deb" "$into"; done)
  rm -rf "$K/debs"
}

if [ ! -x "$R/usr/bin/containerd" ]; then
  use_private_apt
  # shellcheck disable=SC2086 # words
  unpack "$R" $packages
fi
mkdir -p "$BIN"
for tool in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf "$R/usr/sbin/xtables-nft-multi" "$BIN/$tool"
done
[ ! -x "$BIN/pause" ] || exit 0

use_private_apt
sed -n 's/^deb /deb-src /p' "$private/sources.list" >"$private/source.list"
cat "$private/source.list" >>"$private/sources.list"
apt-get update -qq
G=$K/go
rm -rf "$G" "$K/src" && mkdir -p "$K/src" "$K/home"
# shellcheck disable=SC2086 # words
unpack "$G" $for_build
export LD_LIBRARY_PATH=$G/usr/lib/x86_64-linux-gnu PATH=$G/usr/lib/go-1.19/bin:$G/usr/bin:$PATH
cd "$K/src"
apt-get source -qq --download-only kubernetes
mkdir kubernetes
tar -xzf kubernetes_*.orig.tar.gz -C kubernetes --strip-components=1
tar -xJf kubernetes_*.debian.tar.xz -C kubernetes
cd kubernetes
while read -r one; do patch -sp1 <"debian/patches/$one"; done <debian/patches/series
# The source's own reflect2 1.0.1 crashes when it is built with Go 1.18 or later.
rm -rf vendor/github.com/modern-go/reflect2
cp -r "$G/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/
mkdir -p .go/src/k8s.io && ln -sfn ../../.. .go/src/k8s.io/kubernetes
programs="kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy"
echo "building Kubernetes (log: $K/build.log)"
what=$(printf 'cmd/%s ' $programs)
go=(env HOME="$K/home" GOPROXY=off CGO_ENABLED=0 GOROOT="$G/usr/lib/go-1.19")
"${go[@]}" GOPATH="$PWD/.go" make WHAT="$what" >"$K/build.log" 2>&1
for program in $programs; do cp "_output/bin/$program" "$BIN/"; done
"${go[@]}" GO111MODULE=off go build -ldflags '-s -w' -o "$BIN/pause" "$here/pause.go"
rm -rf "$K/src" "$K/home" "$G"
