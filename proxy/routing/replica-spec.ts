/** A replica from the configuration or the admin endpoint. */
export interface ReplicaSpec {
  id: string;
  /** Origin of its public listener. */
  url: URL;
  /** Host to connect to: an address or a name. */
  host: string;
  port: number;
  /** Path of the probe. */
  readyUrl: URL;
  /** Host of the probe, like `host`. */
  readyHost: string;
}

/** The default port of a replica's admin listener. */
const adminPort = 9100;

/**
 * Parses `REPLICAS`: `id=publicURL`, optionally `|readyURL`, comma-separated. `{0..9}` in an entry expands to ten
 * entries, each with its number in every place.
 *
 * @throws Error that shows the offending entry
 */
export function parseReplicas(text: string): ReplicaSpec[] {
  const specs = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .flatMap(expandRange)
    .map((entry) => {
      const match = /^([^=]+)=([^|]+)(?:\|(.+))?$/.exec(entry);
      if (match === null) throw new Error(`"${entry}" is not id=http://host:port or id=http://host:port|readyURL`);
      return replicaSpec(match[1] as string, match[2] as string, match[3]);
    });
  const repeated = specs.find((spec, index) => specs.findIndex(({ id }) => id === spec.id) !== index);
  if (repeated !== undefined) throw new Error(`replica ${repeated.id} is named twice`);
  return specs;
}

/** Maximum number of entries of a range. */
const rangeLimit = 256;

function expandRange(entry: string): string[] {
  const ranges = new Set(entry.match(/\{[^{}]{0,20}\}/g));
  const [range] = ranges;
  if (range === undefined) return [entry];
  const [, from, to] = /^\{(\d{1,6})\.\.(\d{1,6})\}$/.exec(range) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (ranges.size > 1 || !(first <= last)) throw new Error(`"${entry}": a range is {0..9}, the same in all places`);
  if (last - first >= rangeLimit) throw new Error(`"${entry}": a range stands for ${rangeLimit} replicas at most`);
  return Array.from({ length: last - first + 1 }, (_, index) => entry.replaceAll(range, String(first + index)));
}

/** The replica at these addresses of its names. */
export function specAt(spec: ReplicaSpec, host: string, readyHost: string): ReplicaSpec {
  return { ...spec, host, readyHost };
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
  const probed = httpUrl(readyUrl ?? `http://${publicUrl.hostname}:${adminPort}/readyz`);
  return {
    id,
    url: publicUrl,
    host: hostOf(publicUrl),
    port: Number(publicUrl.port || 80),
    readyUrl: probed,
    readyHost: hostOf(probed),
  };
}

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, "");

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "http:") throw new Error(`"${text}" is no http:// URL`);
  return url;
}
