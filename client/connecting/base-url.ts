/** Where a server is. */
export interface BaseUrl {
  origin: string;
  /** Without a slash at its end; empty: none. */
  prefix: string;
}

/**
 * The parts of the address that a client is given: origin, and the path prefix under which a proxy in front serves
 * this one (`/calls` of `https://example.com/calls/`; empty without).
 *
 * @throws TypeError if it is not a URL
 */
export function splitBaseUrl(url: string): BaseUrl {
  const { protocol, host, pathname } = new URL(url);
  return { origin: `${protocol.replace(/^ws/, "http")}//${host}`, prefix: pathname.replace(/\/+$/, "") };
}

/** True if the URL has another origin than the page. Without a page it is false. */
export function isCrossOrigin(origin: string): boolean {
  return typeof location !== "undefined" && location.origin !== origin;
}
