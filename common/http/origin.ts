import { z } from "zod";
import type { Log } from "../log.ts";

/** So many refused origins are logged one by one; a stranger can send any number. */
const toldLimit = 32;
/** What stands between `://` and the end of an origin or a `Host`, where it is nothing more. */
const hostForm = /^[^\s/?#@\\*]+$/;

/**
 * The one spelling of an origin: scheme, host and port in lower case, without the scheme's default port; `ws` and
 * `wss`, which native clients send, are `http` and `https`. Undefined: it is no origin, or the opaque one, `null`.
 */
export function canonicalOrigin(text: string): string | undefined {
  const schemeEnd = text.indexOf("://");
  const scheme = webScheme(text.slice(0, Math.max(0, schemeEnd)).toLowerCase());
  const host = text.slice(schemeEnd + 3);
  if (scheme === "" || !/^[a-z][a-z0-9+.-]{0,31}$/.test(scheme)) return undefined;
  // An app's own scheme (capacitor://localhost) has no rules for hosts.
  if (scheme !== "http" && scheme !== "https")
    return hostForm.test(host) ? `${scheme}://${host.toLowerCase()}` : undefined;
  const canonical = canonicalHost(host, scheme);
  return canonical === undefined ? undefined : `${scheme}://${canonical}`;
}

function webScheme(scheme: string): string {
  return scheme === "ws" ? "http" : scheme === "wss" ? "https" : scheme;
}

/** Host and port, in one spelling, without the scheme's default port. Undefined: malformed. */
function canonicalHost(host: string, scheme: string): string | undefined {
  return hostForm.test(host) ? URL.parse(`${scheme}://${host}`)?.host : undefined;
}

/**
 * True where an origin is that of the host that a request asks for (RFC 9110, 7.2): host and port alike, a missing port
 * being the default of the origin's scheme. The schemes are not compared, since TLS may end in front.
 */
export function isSameOrigin(origin: string, host: string): boolean {
  const canonical = canonicalOrigin(origin);
  if (canonical === undefined) return false;
  const [scheme = "", originHost] = canonical.split("://");
  return (scheme === "http" || scheme === "https") && originHost === canonicalHost(host, scheme);
}

/**
 * Whether a page of this origin may connect to this host: the same origin may, and those in `allowed` (`*`: any). No
 * origin: no browser, so always.
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

/** The variable `ALLOWED_ORIGINS`: origins, comma-separated, each in its one spelling; or `*`. */
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

/** Tells the log of the first refusal of each origin, with both values and what to set. */
export function createOriginLog(log: Log) {
  const told = new Set<string>();
  return (origin: string | undefined, host: string | undefined): void => {
    const key = `${origin} ${host}`;
    if (told.has(key) || told.size >= toldLimit) return;
    told.add(key);
    log.warn(
      { origin, host },
      "a page of another origin was refused: allow it by ALLOWED_ORIGINS; or is the host another one because of a proxy in front? It must hand Host on, or send X-Forwarded-Host and be in TRUSTED_PROXIES",
    );
  };
}
