# shellcheck shell=bash
# Sourced: where the cluster's parts are, and its addresses.
K=${KUBERNETES_CACHE:?}
NODE=node1 NODE_IP=10.99.0.2 HOST_IP=10.99.0.1 POD_CIDR=10.244.0.0/24 POD_GW=10.244.0.1
SVC_CIDR=10.96.0.0/16 API_SVC=10.96.0.1 DNS_SVC=10.96.0.10
# S is the state of one run; it is deleted at the end. The rest is kept.
S=$K/state PKI=$K/state/pki LOG=$K/log BIN=$K/bin R=$K/root
export LD_LIBRARY_PATH=$R/usr/lib/x86_64-linux-gnu XTABLES_LIBDIR=$R/usr/lib/x86_64-linux-gnu/xtables
export PATH=$BIN:$R/usr/sbin:$R/usr/bin:$R/sbin:$R/bin:$PATH
export KUBECONFIG=$PKI/admin.conf
