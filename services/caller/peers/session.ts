import { backoffMs } from "../../../client/connecting/backoff.ts";
import type { RelayAck } from "../../../common/protocol.ts";
import type { ConnectedPeer, PeerEvents, PeerOptions } from "./peer-kind.ts";

/** Time-out of an attempt to connect, ms. */
const connectWithinMs = 5_000;

/** Events of one connection for its session. Each is called at most once, `opened` first. */
export interface ConnectionEvents {
  opened(node: string | null): void;
  closed(reason: string): void;
}

/** Opens one connection. Returns a function that closes it. */
export type Connect = (cookies: Map<string, string>, events: ConnectionEvents) => () => void;

/**
 * A peer without signals: one connection after the other, with full jitter between attempts. It reports when a
 * connection opens, is lost or fails to open.
 */
export function keepConnected(options: PeerOptions, events: PeerEvents, connect: Connect): ConnectedPeer {
  const cookies = new Map<string, string>();
  let attempt = 0;
  let over = false;
  let disconnect: () => void = () => undefined;
  let waiting: NodeJS.Timeout | undefined;

  function open(): void {
    let opened = false;
    let done = false;
    const close = connect(cookies, {
      opened(node) {
        if (done || over) return;
        clearTimeout(limit);
        opened = true;
        attempt = 0;
        events.joined({ node, peerId: null, peers: 0 });
      },
      closed(reason) {
        if (done) return;
        done = true;
        clearTimeout(limit);
        if (over) return;
        if (opened) events.lost(Date.now(), reason);
        else events.failed(reason);
        if (opened && !options.rejoin) return;
        waiting = setTimeout(open, backoffMs(attempt++, options.random));
      },
    });
    disconnect = close;
    const limit = setTimeout(close, connectWithinMs);
  }

  return {
    join: open,
    send: (): Promise<RelayAck> =>
      Promise.resolve({ ok: false, error: { code: "invalid", message: "this kind of peer has no signals" } }),
    async close() {
      over = true;
      clearTimeout(waiting);
      disconnect();
      events.ended();
    },
  };
}

/** Stores the cookies that an answer sets. */
export function keepCookies(cookies: Map<string, string>, setCookie: readonly string[] | undefined): void {
  for (const line of setCookie ?? []) {
    const pair = line.split(";", 1)[0] ?? "";
    const at = pair.indexOf("=");
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
}

/** The `Cookie` header of the next request; undefined without cookies. */
export function cookieHeader(cookies: Map<string, string>): string | undefined {
  return cookies.size === 0 ? undefined : [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Header in which the proxy names the replica, if its `REPLICA_HEADER` says so. */
export const replicaHeader = "x-replica";
