import type { Manager } from "socket.io-client";

/** What is used of Engine.IO's client on Node: neither is there in a browser, which keeps cookies by itself. */
interface NodeEngine {
  _cookieJar?: { cookies: Iterable<[name: string, cookie: { value: string }]> };
  transport?: { ws?: { once?: (event: "upgrade", listener: (response: UpgradeResponse) => void) => void } };
}
interface UpgradeResponse {
  headers: { "set-cookie"?: string[] };
}

/**
 * Keeps the sticky cookie on Node across connections: Engine.IO's own jar lives as long as one of them, and does not
 * see what a WebSocket handshake sets. In a browser this does nothing.
 */
export function keepCookies(manager: Manager) {
  const kept = new Map<string, string>();

  function harvest(): void {
    const engine = manager.engine as unknown as NodeEngine | undefined;
    for (const [name, { value }] of engine?._cookieJar?.cookies ?? []) kept.set(name, value);
  }

  return {
    /** To be called right before a connection is made. */
    before(): void {
      harvest();
      if (kept.size === 0) return;
      const cookie = [...kept].map(([name, value]) => `${name}=${value}`).join("; ");
      manager.opts.extraHeaders = { ...manager.opts.extraHeaders, cookie };
    },
    /** To be called right after that: its handshake is under way. */
    after(): void {
      const engine = manager.engine as unknown as NodeEngine | undefined;
      engine?.transport?.ws?.once?.("upgrade", ({ headers }) => {
        for (const line of headers["set-cookie"] ?? []) {
          const [, name = "", value = ""] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
          if (name !== "") kept.set(name, value);
        }
      });
    },
  };
}
