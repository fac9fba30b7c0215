#!/bin/sh
# `make images-debian` builds images for sites without a container registry, from a Debian archive and npm. Run it as
# root on Debian or Ubuntu with a Docker Engine. mmdebstrap makes the root file systems.
#
#   images.sh              builds the missing images and prints the variables of compose.yaml for them
#   images.sh --again      builds all of them again
#
# Each has the entrypoint, command, paths and user of the upstream image, with Debian's build of the program
# (deploy/debian/apt.sh says how packages are verified); /VERSIONS in the image lists them. Grafana is in no Debian
# suite: mirror its image and set IMAGE_GRAFANA, or leave it out with GRAFANA=0.
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. deploy/debian/apt.sh

base=local/debian:base
servers=ca-certificates,openssl,redis-server,redis-tools,prometheus,prometheus-alertmanager,prometheus-redis-exporter,coturn,haproxy,nats-server,busybox
# A longer list is another image.
programs=local/debian:servers-$(printf %s "$servers" | cksum | cut -d' ' -f1)
again=${1:-}
docker info >/dev/null 2>&1 || die "no Docker daemon answers: start Docker"
[ "$(id -u)" = 0 ] && have apt-get || die "the images are built from Debian packages: run this as root on Debian"

present() { [ -z "$again" ] && docker image inspect "$1" >/dev/null 2>&1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Makes an image from a root file system with these packages.
root_image() { # NAME PACKAGES
  present "$1" && return
  have mmdebstrap || locked .cache/apt.lock sh ops/sh/packages.sh mmdebstrap
  # Uses the system's apt settings: proxy, certificates, freshness of lists.
  apt-config dump | grep '^Acquire::[A-Za-z:-]* "..*";$' >"$work/apt.conf"
  mmdebstrap --quiet --variant=essential --include="$2" --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --aptopt="$work/apt.conf" --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='chroot "$1" dpkg-query -W >"$1/VERSIONS"' \
    --customize-hook='rm -rf "$1"/etc/apt/sources.list* "$1"/var/lib/apt/lists/* "$1"/var/cache/*' \
    "$suite" "$work/rootfs.tar" "$(archive)"
  docker import "$work/rootfs.tar" "$1" >/dev/null
  rm "$work/rootfs.tar"
  echo "built $1"
}

# Builds the Dockerfile lines of standard input on top of a root file system.
image() { # NAME FROM
  if present "$1"; then
    echo "have $1"
    return
  fi
  { echo "FROM $2" && cat; } >"$work/Dockerfile"
  docker build --quiet --tag "$1" --file "$work/Dockerfile" "${3:-$work}" >/dev/null
  echo "built $1"
}

# The runtime that package.json pins, from npm, under the paths of the upstream image.
node_image() {
  if present local/node:24; then
    echo "have local/node:24"
    return
  fi
  have npm || locked .cache/apt.lock sh ops/sh/packages.sh npm
  case $(dpkg --print-architecture) in amd64) arch=x64 ;; arm64) arch=arm64 ;; *) die "Node.js 24 comes for amd64 and arm64 only" ;; esac
  version=$(sed -n "s/.*\"node-linux-$arch\": \"\([0-9.]*\)\".*/\1/p" package.json)
  local=$work/node/local
  mkdir -p "$local/bin" "$local/lib/node_modules"
  (cd "$work" && npm pack --silent "node-linux-$arch@$version" npm@11 >/dev/null)
  tar -xzf "$work"/node-linux-*.tgz -C "$local" --strip-components=1 package/bin/node
  tar -xzf "$work"/npm-*.tgz -C "$local/lib/node_modules" && mv "$local/lib/node_modules/package" "$local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$local/bin/npx"
  # This machine's trusted certificates, so that npm in a build accepts the registry's.
  cp /etc/ssl/certs/ca-certificates.crt "$work/node/ca.crt"
  image local/node:24 $base "$work/node" <<'D'
COPY local /usr/local
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
RUN echo node:x:1000: >>/etc/group && echo node:x:1000:1000::/home/node:/bin/sh >>/etc/passwd \
 && mkdir -p /home/node && chown 1000:1000 /home/node
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
D
}

root_image $base ca-certificates,libstdc++6,libatomic1
root_image $programs $servers
node_image
image local/redis:debian $programs <<'D'
RUN mkdir -p /data && chown 999:999 /data
WORKDIR /data
USER 999:999
CMD ["redis-server", "--protected-mode", "no"]
D
# nc is for the health check, as in the upstream image.
image local/nats:debian $programs <<'D'
RUN ln -s busybox /usr/bin/nc
USER 1000:1000
CMD ["nats-server"]
D
image local/prometheus:debian $programs <<'D'
RUN ln -sf /usr/bin/prometheus /usr/bin/promtool /bin/ 2>/dev/null; mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
WORKDIR /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
D
image local/alertmanager:debian $programs <<'D'
RUN ln -s prometheus-alertmanager /usr/bin/alertmanager; mkdir -p /alertmanager && chown 65534:65534 /alertmanager
USER 65534:65534
WORKDIR /alertmanager
ENTRYPOINT ["/usr/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
D
image local/redis_exporter:debian $programs <<'D'
USER 59000:59000
ENTRYPOINT ["/usr/bin/prometheus-redis-exporter"]
D
image local/haproxy:debian $programs <<'D'
USER 99:99
ENTRYPOINT ["/usr/sbin/haproxy"]
CMD ["-db", "-f", "/etc/haproxy/haproxy.cfg"]
D
image local/coturn:debian $programs <<'D'
USER 65534:65534
ENTRYPOINT ["/usr/bin/turnserver"]
CMD ["--log-file=stdout"]
D
echo "use them: cat deploy/debian/images.env >>.env (and GRAFANA=0, or IMAGE_GRAFANA=<your mirror>)"
