/** What a `Connection` header says (RFC 9110, 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  upgrade: boolean;
  /** Names of other headers that are for this connection alone, lower case; undefined: none. */
  listed: ReadonlySet<string> | undefined;
}

/** What nearly all clients and servers send, read once. */
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
