import type { App } from "./app-file.ts";

/** Settings of the proxy for an application. Settings of the stack override them. */
export function proxySettings({ paths, engineIoPaths, maxBodyBytes }: App): Record<string, string> {
  return {
    PROXY_PATHS: paths,
    ENGINE_IO_PATHS: engineIoPaths,
    REPLICA_HEADER: "x-replica",
    ...(maxBodyBytes === undefined ? {} : { MAX_BODY_BYTES: maxBodyBytes }),
  };
}

/** Settings of the callers for an application. Settings of the stack override them. */
export function callerSettings({ peer }: App): Record<string, string> {
  return {
    PEER: peer.kind,
    // The application's sessions may not name their replica. A peer without the cookie would soon reach another replica
    // and lose its session.
    PEER_COOKIELESS: "0",
    ...(peer.path === undefined ? {} : { PEER_PATH: peer.path }),
    ...(peer.hello === undefined ? {} : { PEER_HELLO: peer.hello }),
  };
}
