import type { Manager } from "socket.io-client";

/** The used parts of Engine.IO's client on Node. A browser lacks both, because it keeps cookies itself. */
interface NodeEngine {
  _cookieJar?: { cookies: Iterable<[name: string, cookie: { value: string }]> };
  transport?: { ws?: { once?: (event: "upgrade", listener: (response: UpgradeResponse) => void) => void } };
}
interface UpgradeResponse {
  headers: { "set-cookie"?: string[] };
}

/**
 * Keeps the sticky cookie on Node across connections. Engine.IO's own jar lasts for one connection and misses cookies
 * of a WebSocket handshake. In a browser this does nothing.
 */
export function keepCookies(manager: Manager) {
  const kept = new Map<string, string>();

  function harvest(): void {
    const engine = manager.engine as unknown as NodeEngine | undefined;
    for (const [name, { value }] of engine?._cookieJar?.cookies ?? []) kept.set(name, value);
  }

  return {
    /** Call right before a connection is made. */
    before(): void {
      harvest();
      if (kept.size === 0) return;
      const cookie = [...kept].map(([name, value]) => `${name}=${value}`).join("; ");
      manager.opts.extraHeaders = { ...manager.opts.extraHeaders, cookie };
    },
    /** Call right after that, while its handshake is under way. */
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
