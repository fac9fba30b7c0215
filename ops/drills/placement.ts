import { randomBytes } from "node:crypto";
import { SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import { pause } from "../wait/pause.ts";

/** Between two handshakes, ms: well below what one client address may open in a second. */
const everyMs = 5;

/** Fresh keys, as the proxy's cookies have them. */
export function freshKeys(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(12).toString("hex"));
}

/**
 * The replica that each key is routed to now: one Engine.IO handshake a key, with the key as sticky cookie, closed at
 * once.
 *
 * @param proxy base URL of the proxy
 * @returns replica ids, in the order of `keys`
 * @throws Error when the proxy answers anything but a session
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
