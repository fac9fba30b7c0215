/** A parsed `Connection` header (RFC 9110, 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  upgrade: boolean;
  /** Names of other hop-by-hop headers, lower case; undefined without any. */
  listed: ReadonlySet<string> | undefined;
}

/** The common values, parsed once. */
const usual: ReadonlyMap<string, ConnectionOptions> = new Map(
  [
    "keep-alive",
    "Keep-Alive",
    "close",
    "Close",
    "upgrade",
    "Upgrade",
    "keep-alive, Upgrade",
    "Upgrade, Keep-Alive",
  ].map((value) => [value, parse(value)]),
);
const nothing: ConnectionOptions = { close: false, upgrade: false, listed: undefined };

/** Reads a `Connection` header; several are joined by commas first. */
export function readConnection(value: string | undefined): ConnectionOptions {
  if (value === undefined) return nothing;
  return usual.get(value) ?? parse(value);
}

function parse(value: string): ConnectionOptions {
  const words = new Set(value.toLowerCase().split(",").map(trimmed));
  const [close, upgrade] = [words.delete("close"), words.delete("upgrade")];
  words.delete("keep-alive");
  words.delete("");
  return { close, upgrade, listed: words.size === 0 ? undefined : words };
}

function trimmed(word: string): string {
  return word.trim();
}
