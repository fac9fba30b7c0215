import type { App } from "./app-file.ts";

/** What the proxy must know of an application; settings of the stack win. */
export function proxySettings({ paths, engineIoPaths, maxBodyBytes }: App): Record<string, string> {
  return {
    PROXY_PATHS: paths,
    ENGINE_IO_PATHS: engineIoPaths,
    REPLICA_HEADER: "x-replica",
    ...(maxBodyBytes === undefined ? {} : { MAX_BODY_BYTES: maxBodyBytes }),
  };
}

/** How callers speak to an application; settings of the stack win. */
export function callerSettings({ peer }: App): Record<string, string> {
  return {
    PEER: peer.kind,
    // An application's sessions need not name their replica: a peer without the cookie would have none for long.
    PEER_COOKIELESS: "0",
    ...(peer.path === undefined ? {} : { PEER_PATH: peer.path }),
    ...(peer.hello === undefined ? {} : { PEER_HELLO: peer.hello }),
  };
}
