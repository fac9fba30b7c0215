/** Kinds of path: Engine.IO's, one that takes all methods, one that takes the safe ones. */
export type PathKind = "engine" | "any" | "safe" | undefined;

/**
 * Matches a path against `PROXY_PATHS`: an entry that ends in `/` is a prefix, one that ends in `/*` a prefix with all
 * methods, any other (and `/` itself) is exact. Undefined: not proxied.
 */
export function createPathMatcher(paths: readonly string[], enginePaths: readonly string[]) {
  const anyPrefixes = paths.filter((entry) => entry.endsWith("/*")).map((entry) => entry.slice(0, -1));
  const safe = paths.filter((entry) => !entry.endsWith("/*"));
  const matches = (entries: readonly string[], path: string) =>
    entries.some((entry) => (entry.endsWith("/") && entry !== "/" ? path.startsWith(entry) : path === entry));
  return (path: string): PathKind => {
    const any = anyPrefixes.length > 0 && anyPrefixes.some((prefix) => path.startsWith(prefix));
    if (!any && !matches(safe, path)) return undefined;
    if (matches(enginePaths, path)) return "engine";
    return any ? "any" : "safe";
  };
}

/**
 * Why an entry of `PROXY_PATHS` or `ENGINE_IO_PATHS` makes no sense, with what to write instead; undefined: it does.
 *
 * @param wildcard whether `/*` may stand at its end
 */
export function pathProblem(entry: string, wildcard: boolean): string | undefined {
  const bare = entry.endsWith("/*") ? entry.slice(0, -1) : entry;
  if (!entry.startsWith("/")) return `"${entry}" must begin with /`;
  if (bare.includes("*")) return `"${entry}": * stands for everything behind a / at the end only, as in /* or /api/*`;
  if (bare !== entry && !wildcard) return `"${entry}": write "${bare}", which is a prefix`;
  if (!/^[\w./~@:!$&'()+,;=-]*$/.test(bare) || isAmbiguousPath(bare) || bare.includes("//"))
    return `"${entry}" is no plain path: no query, no fragment, no %, no empty or dot segment`;
  return undefined;
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
