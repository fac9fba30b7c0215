/** The Engine.IO session of a query. */
export interface SessionQuery {
  /** It has `EIO` or `transport`: it is meant for Engine.IO. */
  engine: boolean;
  sid: string | undefined;
  /** It asks for a WebSocket: it makes sense in an upgrade alone. */
  websocket: boolean;
}

const [eio, sid, transport] = [1, 2, 4];

/**
 * Reads a query as Engine.IO does: names and values decoded, the last of several wins. Undefined: `EIO`, `sid` or
 * `transport` is repeated or empty, so that two readers could read it differently.
 */
export function readSessionQuery(query: string): SessionQuery | undefined {
  let seen = 0;
  let found: string | undefined;
  let websocket = false;
  let clear = true;
  const take = (name: string, value: string) => {
    const bit = name === "sid" ? sid : name === "EIO" ? eio : name === "transport" ? transport : 0;
    if (bit === 0) return;
    if ((seen & bit) !== 0 || value === "") clear = false;
    seen |= bit;
    if (bit === sid) found = value;
    if (bit === transport) websocket = value === "websocket";
  };
  if (isEncoded(query)) for (const [name, value] of decoded(query)) take(name, value);
  else eachPair(query, take);
  return clear ? { engine: (seen & (eio | transport)) !== 0, sid: found, websocket } : undefined;
}

/** Value of a query parameter, decoded; the last of several. Undefined: it is not there. */
export function queryValue(query: string, name: string): string | undefined {
  if (isEncoded(query)) return decoded(query).getAll(name).at(-1);
  let found: string | undefined;
  eachPair(query, (given, value) => {
    if (given === name) found = value;
  });
  return found;
}

/**
 * Reads the room of a request as set by `STICKY_ROOM`: `query:<name>`, or `path:<n>`, the n-th part of the path,
 * decoded. Undefined if it is empty or malformed.
 */
export function createRoomReader(place: string): (path: string, query: string) => string | undefined {
  const [kind, name = ""] = place.split(":");
  if (kind === "query") return (_path, query) => queryValue(query, name);
  return (path) => {
    try {
      return decodeURIComponent(path.split("/", 10)[Number(name)] ?? "") || undefined;
    } catch (error) {
      if (error instanceof URIError) return undefined;
      throw error;
    }
  };
}

function isEncoded(query: string): boolean {
  return query.includes("%") || query.includes("+");
}

/** By way of a URL, as Engine.IO does: URLSearchParams alone drops a `?` in front and reads raw bytes differently. */
function decoded(query: string): URLSearchParams {
  return new URL(`http://proxy/?${query}`).searchParams;
}

/** Reads a query in which nothing is encoded. */
function eachPair(query: string, take: (name: string, value: string) => void): void {
  let equals = query.indexOf("=");
  for (let at = 0; at < query.length; ) {
    const amp = query.indexOf("&", at);
    const end = amp === -1 ? query.length : amp;
    // Looked for once each, or a query of `&` alone would be read to its end from each of them.
    if (equals !== -1 && equals < at) equals = query.indexOf("=", at);
    if (equals !== -1 && equals < end) take(query.slice(at, equals), query.slice(equals + 1, end));
    else if (end > at) take(query.slice(at, end), "");
    at = end + 1;
  }
}
