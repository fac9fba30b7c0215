/** A proxy as the balancer sees it; addresses with their ports. */
export interface BalancedProxy {
  id: string;
  /** Its listener for the PROXY protocol. */
  address: string;
  /** Its admin listener, which answers `/readyz`. */
  ready: string;
}

/**
 * HAProxy's configuration in front of several proxies: TCP, each connection to the proxy with the fewest, with a PROXY
 * header. A proxy that fails two checks loses its connections at once, so that clients of a frozen one need not wait
 * for a ping to be missed. Time-outs of open connections are the proxies' own.
 */
export function balancerConfig({ binds, servers }: { binds: readonly string[]; servers: readonly BalancedProxy[] }) {
  return [
    "defaults",
    "  mode tcp",
    "  timeout connect 1s",
    "  timeout check 500ms",
    "  timeout client 1d",
    "  timeout server 1d",
    "  retries 3",
    "  option redispatch 1",
    // TLS and plain: a proxy takes both on its listener for the PROXY protocol.
    "frontend public",
    ...binds.map((bind) => `  bind ${bind}`),
    "  default_backend proxies",
    "backend proxies",
    "  balance leastconn",
    "  option httpchk",
    "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost hdr Connection close",
    "  default-server inter 500ms fastinter 250ms fall 2 rise 2 on-marked-down shutdown-sessions send-proxy-v2",
    ...servers.map(({ id, address, ready }) => {
      const colon = ready.lastIndexOf(":");
      return `  server ${id} ${address} check addr ${ready.slice(0, colon)} port ${ready.slice(colon + 1)}`;
    }),
    "",
  ].join("\n");
}
