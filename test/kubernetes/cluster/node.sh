#!/bin/bash
# The first process of the node: pid 1 of its network, mount, pid, uts and ipc namespaces. Its end ends everything.
set -u
. "$(dirname "$0")/paths.sh"
trap '' HUP
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/containerd
hostname $NODE
mkdir -p "$S/etcd" && mount -t tmpfs -o size=512m tmpfs "$S/etcd"
mkdir -p "$S/varlog" /var/log && mount --bind "$S/varlog" /var/log
mkdir -p /var/lib/cni
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.ipv4.conf.all.route_localnet=1
ip link set lo up
for _ in $(seq 100); do ip addr show dev k8s1 2>/dev/null | grep -q "$NODE_IP" && break; sleep 0.1; done
cd "$S" || exit 1
etcd --data-dir "$S/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 >"$LOG/etcd.log" 2>&1 &
kube-apiserver --advertise-address=$NODE_IP --secure-port=6443 --allow-privileged=true --authorization-mode=Node,RBAC \
  --enable-admission-plugins=NodeRestriction --etcd-servers=http://127.0.0.1:2379 --client-ca-file="$PKI/ca.crt" \
  --kubelet-client-certificate="$PKI/apiserver-kubelet.crt" --kubelet-client-key="$PKI/apiserver-kubelet.key" \
  --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file="$PKI/sa.pub" \
  --service-account-signing-key-file="$PKI/sa.key" --service-cluster-ip-range=$SVC_CIDR \
  --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
  --requestheader-client-ca-file="$PKI/ca.crt" --requestheader-allowed-names=front-proxy-client --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$PKI/front-proxy.crt" --proxy-client-key-file="$PKI/front-proxy.key" >"$LOG/apiserver.log" 2>&1 &
containerd -c "$S/containerd.toml" >"$LOG/containerd.log" 2>&1 &
until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.3; done
import() { ctr -a /run/containerd/containerd.sock -n k8s.io images import "$1" >>"$LOG/images.log" 2>&1; }
import "$S/images/pause.tar"
# The rest while the other programs start.
(for archive in "$S"/images/[0-9]*.tar; do import "$archive" || exit; done && touch "$S/images/loaded") &
kube-controller-manager --kubeconfig="$PKI/controller-manager.conf" --service-account-private-key-file="$PKI/sa.key" \
  --root-ca-file="$PKI/ca.crt" --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
  --use-service-account-credentials=true --leader-elect=false --bind-address=127.0.0.1 --port=0 >"$LOG/controller-manager.log" 2>&1 &
kube-scheduler --kubeconfig="$PKI/scheduler.conf" --leader-elect=false --bind-address=127.0.0.1 --port=0 >"$LOG/scheduler.log" 2>&1 &
kubelet --config="$S/kubelet.yaml" --kubeconfig="$PKI/kubelet.conf" --container-runtime=remote \
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock --root-dir="$S/kubelet" --cert-dir="$PKI" \
  --hostname-override=$NODE --node-ip=$NODE_IP >"$LOG/kubelet.log" 2>&1 &
kube-proxy --config="$S/proxy.yaml" >"$LOG/kube-proxy.log" 2>&1 &

# The cluster's DNS: dnsmasq, fed from the API with the names of Services, headless Services and their named pods.
: >"$S/hosts"
dnsmasq -k -C /dev/null --no-resolv --no-hosts --addn-hosts="$S/hosts" --local=/cluster.local/ --local-ttl=1 --user=root \
  --listen-address=$NODE_IP --bind-interfaces --pid-file=/run/dnsmasq.pid >"$LOG/dns.log" 2>&1 &
kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: $DNS_SVC, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kube-dns, namespace: kube-system}
subsets: [{addresses: [{ip: $NODE_IP}], ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}]
Y
# curl and jq are the system's, with the system's libraries.
get() { LD_LIBRARY_PATH='' curl -sf --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "https://$NODE_IP:6443/api/v1/$1"; }
query() { LD_LIBRARY_PATH='' jq "$@"; }
while sleep 0.5; do
  services=$(get services) && endpoints=$(get endpoints) || continue
  {
    query -r '.items[] | select(.spec.clusterIP != "None" and .spec.clusterIP != null)
      | "\(.spec.clusterIP) \(.metadata.name).\(.metadata.namespace).svc.cluster.local"' <<<"$services"
    query -rn --slurpfile s /dev/fd/3 --slurpfile e /dev/fd/4 '
      ($s[0].items | map(select(.spec.clusterIP == "None")) | map({key: (.metadata.namespace + "/" + .metadata.name),
        value: (.spec.publishNotReadyAddresses == true)}) | from_entries) as $headless
      | $e[0].items[] | "\(.metadata.namespace)/\(.metadata.name)" as $key | select($headless | has($key))
      | "\(.metadata.name).\(.metadata.namespace).svc.cluster.local" as $name
      | .subsets[]? | .addresses[]?
      | "\(.ip) \($name)", (if .hostname then "\(.ip) \(.hostname).\($name)" else empty end)' 3<<<"$services" 4<<<"$endpoints"
  } >"$S/hosts.new" 2>>"$LOG/dns.log" || continue
  cmp -s "$S/hosts.new" "$S/hosts" || {
    cat "$S/hosts.new" >"$S/hosts"
    kill -HUP "$(cat /run/dnsmasq.pid)"
  }
done
