import { randomBytes } from "node:crypto";
import { SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import { pause } from "../wait/pause.ts";

/** Pause between two handshakes, ms. It stays well below the limit of new sessions for one client address. */
const everyMs = 5;

/** New keys in the form of the proxy's cookies. */
export function freshKeys(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(12).toString("hex"));
}

/**
 * Finds the replica that each key is routed to now. It makes one Engine.IO handshake for each key, with the key as
 * sticky cookie, and closes the session at once.
 *
 * @param proxy base URL of the proxy
 * @returns replica ids, in the order of `keys`
 * @throws Error if the proxy does not open a session
 */
export async function placement(proxy: string, keys: readonly string[]): Promise<string[]> {
  const url = `${proxy}${SOCKET_IO_PATH}?EIO=4&transport=polling`;
  const placed: string[] = [];
  for (const key of keys) {
    const headers = { cookie: `sticky=${key}`, connection: "close" };
    const ask = async (query: string, init: RequestInit) =>
      (await fetch(`${url}${query}`, { ...init, headers, signal: AbortSignal.timeout(5_000) })).text();
    const opened = await ask("", {});
    const sid = /"sid":"([^"]+)"/.exec(opened)?.[1];
    if (sid === undefined) throw new Error(`no session for a new key: ${opened.slice(0, 80)}`);
    placed.push(sid.slice(0, sid.lastIndexOf(".")));
    await ask(`&sid=${encodeURIComponent(sid)}`, { method: "POST", body: "1" });
    await pause(everyMs);
  }
  return placed;
}
