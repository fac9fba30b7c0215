import { readConnection } from "./connection-header.ts";

/** Headers that stay here: those of one connection (RFC 9110, 7.6.1), and those that a replica must not get or send. */
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
/** Headers that `Connection` cannot remove: they frame the message, say who sends it, or decide about it. */
const kept = new Set(["host", "content-length", "cookie", "origin", "sec-websocket-accept"]);
/** Headers of a replica's answer that name its software and version. */
const telling = new Set(["server", "x-powered-by", "via"]);

/** The client's data for a replica. */
export interface Client {
  /** The client's address, then the trusted proxies that it came through. */
  chain: readonly string[];
  proto: "http" | "https";
  host: string;
  /** Correlation id of this request or tunnel: `x-request-id` to the replica, `traceId` in the log. */
  traceId: string;
}

function isListed(name: string, listed: ReadonlySet<string> | undefined): boolean {
  return listed?.has(name) === true && !kept.has(name);
}

/** The `Forwarded` header (RFC 7239): each hop, the client first. */
function forwardedOf({ chain, proto, host }: Client): string {
  const quoted = /["\\]/.test(host) ? host.replace(/["\\]/g, "") : host;
  let text = "";
  for (const address of chain) {
    const node = address.includes(":") ? `for="[${address}]"` : `for=${address}`;
    text += text === "" ? `${node};proto=${proto};host="${quoted}"` : `, ${node}`;
  }
  return text;
}

/**
 * Names and values of a request to a replica, in turn: end-to-end headers as they came, forwarding headers built anew.
 *
 * @param listed names in the client's `Connection`
 */
export function requestHeaders(
  rawHeaders: readonly string[],
  listed: ReadonlySet<string> | undefined,
  client: Client,
): string[] {
  const clean: string[] = [];
  let hasHost = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const rawName = rawHeaders[i] as string;
    const name = rawName.toLowerCase();
    if (dropped.has(name) || isListed(name, listed)) continue;
    clean.push(rawName, rawHeaders[i + 1] as string);
    if (name === "host") hasHost = true;
  }
  const { chain, proto, host, traceId } = client;
  // HTTP/1.0 clients may send no Host; HTTP/1.1 requires one.
  if (!hasHost) clean.push("Host", host);
  clean.push("X-Forwarded-For", chain.join(", "), "X-Forwarded-Proto", proto, "X-Forwarded-Host", host);
  clean.push("Forwarded", forwardedOf(client), "X-Request-Id", traceId);
  return clean;
}

/** The head of an upgrade request to a replica, on the wire. */
export function upgradeHead(url: string, headers: readonly string[]): string {
  let head = `GET ${url} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/**
 * Names and values of a replica's answer as they came, in turn, without headers of its connection and without those
 * that name its software.
 */
export function answerHeaders(rawHeaders: readonly string[]): string[] {
  const clean: string[] = [];
  let listed: ReadonlySet<string> | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const rawName = rawHeaders[i] as string;
    const name = rawName.toLowerCase();
    if (name === "connection") listed = withListed(listed, rawHeaders[i + 1] as string);
    else if (answerPasses(name)) clean.push(rawName, rawHeaders[i + 1] as string);
  }
  return listed === undefined ? clean : withoutListed(clean, listed);
}

/** Names and values in turn, without those of this name (lower case). */
export function withoutHeader(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => (headers[i - (i % 2)] as string).toLowerCase() !== name);
}

function withoutListed(headers: readonly string[], listed: ReadonlySet<string>): string[] {
  return headers.filter((_, i) => !isListed((headers[i - (i % 2)] as string).toLowerCase(), listed));
}

/** The names that one more `Connection` of the same message lists, and those before. */
export function withListed(
  listed: ReadonlySet<string> | undefined,
  connection: string,
): ReadonlySet<string> | undefined {
  const more = readConnection(connection).listed;
  return listed === undefined || more === undefined ? (listed ?? more) : new Set([...listed, ...more]);
}

/**
 * Whether a header of a replica's answer goes to the client.
 *
 * @param listed names in the answer's `Connection`
 */
export function answerPasses(name: string, listed?: ReadonlySet<string>): boolean {
  return !hopByHop.has(name) && !telling.has(name) && !isListed(name, listed);
}
