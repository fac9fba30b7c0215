/** A replica as the configuration or the admin endpoint names it. */
export interface ReplicaSpec {
  id: string;
  /** Origin of its public listener. */
  url: URL;
  /** Where to connect: name or address, and port. */
  host: string;
  port: number;
  /** What the probe asks. */
  readyUrl: URL;
}

/** The default port of a replica's admin listener. */
const adminPort = 9100;

/**
 * Parses `REPLICAS`: `id=publicURL`, optionally `|readyURL`, comma-separated.
 *
 * @throws Error that shows the offending entry
 */
export function parseReplicas(text: string): ReplicaSpec[] {
  const specs = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry) => {
      const match = /^([^=]+)=([^|]+)(?:\|(.+))?$/.exec(entry);
      if (match === null) throw new Error(`"${entry}" is not id=http://host:port or id=http://host:port|readyURL`);
      return replicaSpec(match[1] as string, match[2] as string, match[3]);
    });
  const repeated = specs.find((spec, index) => specs.findIndex(({ id }) => id === spec.id) !== index);
  if (repeated !== undefined) throw new Error(`replica ${repeated.id} is named twice`);
  return specs;
}

/**
 * One replica; `readyUrl` defaults to `/readyz` on port 9100 of the same host.
 *
 * @throws Error that shows the offending value
 */
export function replicaSpec(id: string, url: string, readyUrl?: string): ReplicaSpec {
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(id)) throw new Error(`"${id}" is no replica id: letters, digits, . _ - only`);
  const publicUrl = httpUrl(url);
  if (publicUrl.pathname !== "/" || publicUrl.search !== "") throw new Error(`"${url}" must be an origin without path`);
  const host = publicUrl.hostname.replace(/^\[|\]$/g, "");
  const port = Number(publicUrl.port || 80);
  return {
    id,
    url: publicUrl,
    host,
    port,
    readyUrl: httpUrl(readyUrl ?? `http://${publicUrl.hostname}:${adminPort}/readyz`),
  };
}

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "http:") throw new Error(`"${text}" is no http:// URL`);
  return url;
}
