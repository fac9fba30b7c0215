/** What a request path is to the proxy. */
export type PathKind = "engine" | "other" | undefined;

/**
 * Matches a path against `PROXY_PATHS`: an entry that ends in `/` is a prefix, any other (and `/` itself) is exact.
 * Undefined: not proxied.
 */
export function createPathMatcher(paths: readonly string[], enginePaths: readonly string[]) {
  const matches = (entries: readonly string[], path: string) =>
    entries.some((entry) => (entry.endsWith("/") && entry !== "/" ? path.startsWith(entry) : path === entry));
  return (path: string): PathKind => {
    if (!matches(paths, path)) return undefined;
    return matches(enginePaths, path) ? "engine" : "other";
  };
}

/**
 * True for a path that a replica could read as another one: dot segments, encoded dots or separators, backslashes.
 * They would lead out of the prefix that was matched.
 */
export function isAmbiguousPath(path: string): boolean {
  return /(^|\/)\.{1,2}(\/|$)|%2e|%2f|%5c|%00|\\/i.test(path);
}

/** True for a path with a `%` that two hex digits do not follow (RFC 3986, 2.1). */
export function hasBadEscape(path: string): boolean {
  return path.includes("%") && /%(?![0-9a-f]{2})/i.test(path);
}
