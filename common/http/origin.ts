import { z } from "zod";
import type { Log } from "../log.ts";

/** Maximum number of logged refused origins, since a client can send any number. */
const toldLimit = 32;
/** The part of an origin after `://`, or a complete `Host`. */
const hostForm = /^[^\s/?#@\\*]+$/;

/**
 * Normalises an origin: scheme, host and port in lower case, without the scheme's default port. `ws` and `wss`, which
 * native clients send, become `http` and `https`. Undefined if it is not an origin, or is the opaque one, `null`.
 */
export function canonicalOrigin(text: string): string | undefined {
  const schemeEnd = text.indexOf("://");
  const scheme = webScheme(text.slice(0, Math.max(0, schemeEnd)).toLowerCase());
  const host = text.slice(schemeEnd + 3);
  if (scheme === "" || !/^[a-z][a-z0-9+.-]{0,31}$/.test(scheme)) return undefined;
  // `URL` has no rules for the hosts of an app's own scheme (capacitor://localhost).
  if (scheme !== "http" && scheme !== "https")
    return hostForm.test(host) ? `${scheme}://${host.toLowerCase()}` : undefined;
  const canonical = canonicalHost(host, scheme);
  return canonical === undefined ? undefined : `${scheme}://${canonical}`;
}

function webScheme(scheme: string): string {
  return scheme === "ws" ? "http" : scheme === "wss" ? "https" : scheme;
}

/** Host and port, normalised, without the scheme's default port. Undefined if malformed. */
function canonicalHost(host: string, scheme: string): string | undefined {
  return hostForm.test(host) ? URL.parse(`${scheme}://${host}`)?.host : undefined;
}

/**
 * True if an origin and a request's `Host` (RFC 9110, 7.2) have the same host and port. A missing port is the default
 * of the origin's scheme. Schemes are not compared, since a proxy in front may terminate TLS.
 */
export function isSameOrigin(origin: string, host: string): boolean {
  const canonical = canonicalOrigin(origin);
  if (canonical === undefined) return false;
  const [scheme = "", originHost] = canonical.split("://");
  return (scheme === "http" || scheme === "https") && originHost === canonicalHost(host, scheme);
}

/**
 * True if a page of this origin may connect to this host. The same origin may, and origins in `allowed` (`*`: any). A
 * request without an origin may always, because no browser sent it.
 */
export function mayConnect(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | undefined,
): boolean {
  if (origin === undefined || allowed?.includes("*") === true) return true;
  if (isSameOrigin(origin, host ?? "")) return true;
  const canonical = canonicalOrigin(origin);
  return canonical !== undefined && allowed?.includes(canonical) === true;
}

/** The variable `ALLOWED_ORIGINS`: comma-separated origins, normalised, or `*`. */
export function originList() {
  return z.string().transform((text, context): string[] => {
    const words = text.split(",").map((word) => word.trim());
    return words
      .filter((word) => word !== "")
      .map((word) => {
        if (word === "*") return word;
        const canonical = canonicalOrigin(word);
        if (canonical !== undefined) return canonical;
        context.addIssue({ code: "custom", message: `"${word}" is no origin: write ${suggestion(word)}` });
        return z.NEVER;
      });
  });
}

function suggestion(word: string): string {
  const url = URL.parse(word.includes("://") ? word : `https://${word}`);
  const origin = url === null ? undefined : canonicalOrigin(`${url.protocol}//${url.host}`);
  return word === "null" || origin === undefined ? "https://host or https://host:port, or * for any" : origin;
}

/** Logs the first refusal of each origin, with both values and the setting to change. */
export function createOriginLog(log: Log) {
  const told = new Set<string>();
  return (origin: string | undefined, host: string | undefined): void => {
    const key = `${origin} ${host}`;
    if (told.has(key) || told.size >= toldLimit) return;
    told.add(key);
    log.warn(
      { origin, host },
      "a page of another origin was refused: allow it in ALLOWED_ORIGINS; if a proxy in front changes the host, it must pass Host on, or send X-Forwarded-Host and be in TRUSTED_PROXIES",
    );
  };
}
