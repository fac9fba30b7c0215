# shellcheck shell=bash
# Sourced: the configuration files of containerd, the network plug-in, the kubelet and kube-proxy, and pause's image.

write_configurations() {
  mkdir -p "$S/cni" "$S/kubelet" "$S/containerd" "$S/images" "$LOG"
  cat >"$S/containerd.toml" <<Y
version = 2
root = "$S/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs","io.containerd.snapshotter.v1.zfs","io.containerd.snapshotter.v1.aufs","io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/local/pause:3.2"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "$R/usr/sbin/runc"
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "$R/usr/lib/cni"
conf_dir = "$S/cni"
Y
  cat >"$S/cni/10-bridge.conflist" <<Y
{"cniVersion":"0.4.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"isDefaultGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"$S/ipam","ranges":[[{"subnet":"$POD_CIDR","gateway":"$POD_GW"}]]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
Y
  echo "nameserver $NODE_IP" >"$S/resolv.conf"
  cat >"$S/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
clusterDNS: [$DNS_SVC]
clusterDomain: cluster.local
resolvConf: $S/resolv.conf
failSwapOn: false
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: "1%", imagefs.available: "1%"}
volumePluginDir: $S/kubelet-plugins
# It forgets an ended pod whose container it had restarted, until the next look at all pods: a minute by default.
syncFrequency: 10s
Y
  cat >"$S/proxy.yaml" <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $PKI/kube-proxy.conf}
mode: iptables
clusterCIDR: $POD_CIDR
hostnameOverride: $NODE
conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
Y
}

# The archive of pause's image, in the form of `docker save`.
pause_image() {
  local work id
  work=$(mktemp -d)
  mkdir "$work/root" && cp "$BIN/pause" "$work/root/pause"
  tar -C "$work/root" --owner=0 --group=0 --mtime=@0 -cf "$work/layer.tar" .
  id=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$id" >"$work/config.json"
  echo '[{"Config":"config.json","RepoTags":["docker.io/local/pause:3.2"],"Layers":["layer.tar"]}]' >"$work/manifest.json"
  tar -C "$work" -cf "$S/images/pause.tar" manifest.json config.json layer.tar
  rm -rf "$work"
}
