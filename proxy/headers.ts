/** Headers of one connection, not of the message (RFC 9110, 7.6.1), and those that a replica must not hear or tell. */
const hopByHop = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "http2-settings", "expect"],
]);
const rebuilt = [
  ...["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"],
  ...["x-forwarded-server", "x-forwarded-prefix", "x-real-ip", "x-request-id", "true-client-ip", "x-original-url"],
  "x-rewrite-url",
];
const dropped = new Set([...hopByHop, ...rebuilt]);
/** What `Connection` must not be able to remove: the message's framing and identity. */
const kept = new Set(["host", "content-length", "cookie"]);
/** Of a replica's answer: what says which software and which version runs there. */
const telling = new Set(["server", "x-powered-by", "via"]);

/** What the proxy tells a replica of the client. */
export interface Client {
  /** The client's address, then the trusted proxies that it came through. */
  chain: readonly string[];
  proto: "http" | "https";
  host: string;
  /** Correlation id of this request or tunnel: `x-request-id` to the replica, `traceId` in the log. */
  traceId: string;
}

/** Names listed in `Connection`, which are hop-by-hop too. */
function listedIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^\s*(upgrade|keep-alive|close)?\s*$/i.test(connection)) return undefined;
  return new Set(connection.toLowerCase().split(/\s*,\s*/));
}

function passes(name: string, listed: ReadonlySet<string> | undefined): boolean {
  return !dropped.has(name) && (listed === undefined || kept.has(name) || !listed.has(name));
}

/** Forwarding headers as the proxy knows them to be, whatever the client claimed. */
function forwarded({ chain, proto, host, traceId }: Client): [name: string, value: string][] {
  const nodes = chain.map((address) => `for=${address.includes(":") ? `"[${address}]"` : address}`);
  const quotedHost = host.replace(/["\\]/g, "");
  nodes[0] += `;proto=${proto};host="${quotedHost}"`;
  return [
    ["x-forwarded-for", chain.join(", ")],
    ["x-forwarded-proto", proto],
    ["x-forwarded-host", host],
    ["forwarded", nodes.join(", ")],
    ["x-request-id", traceId],
  ];
}

/** The header object of a request to a replica: end-to-end headers, and forwarding headers built anew. */
export function requestHeaders(headers: NodeJS.Dict<string | string[]>, client: Client) {
  const listed = listedIn(headers["connection"] as string | undefined);
  const clean: NodeJS.Dict<string | string[]> = {};
  for (const name in headers) if (passes(name, listed)) clean[name] = headers[name];
  for (const [name, value] of forwarded(client)) clean[name] = value;
  return clean;
}

/** The head of an upgrade request to a replica, on the wire. */
export function upgradeHead(url: string, rawHeaders: readonly string[], connection: string, client: Client): string {
  const listed = listedIn(connection);
  let head = `GET ${url} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (passes(name.toLowerCase(), listed)) head += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  for (const [name, value] of forwarded(client)) head += `${name}: ${value}\r\n`;
  return `${head}\r\n`;
}

/** Drops from a replica's answer, in place, what belongs to its connection or tells too much. */
export function cleanAnswer(headers: NodeJS.Dict<string | string[]>): void {
  // Set to undefined, which http-proxy skips: deleting would turn the object into a slow one.
  for (const name in headers) if (!answerPasses(name)) headers[name] = undefined;
}

/** Whether a header of a replica's answer goes to the client. */
export function answerPasses(name: string): boolean {
  return !hopByHop.has(name) && !telling.has(name);
}
