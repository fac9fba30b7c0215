type Settings = Readonly<Record<string, string>>;

/** True if NATS carries the messages of the stack's replicas. It has no Redis then. */
export function usesNats(settings: Settings): boolean {
  return settings["BACKPLANE"] === "nats";
}

/** The ids of a stack's NATS servers: none, `nats`, or `nats`, `nats-2` and `nats-3`, by its setting `NATS`. */
export function natsIds(settings: Settings): string[] {
  if (!usesNats(settings)) return [];
  return settings["NATS"] === "cluster" ? ["nats", "nats-2", "nats-3"] : ["nats"];
}

/** True for the id of a NATS server. */
export function isNats(id: string): boolean {
  return id === "nats" || /^nats-\d+$/.test(id);
}

/** The variable of the port that a NATS server has for clients. */
export function natsPort(id: string): string {
  return `${id.toUpperCase().replace("-", "_")}_PORT`;
}

/** The variable of the port that a NATS server has for the others of its cluster. */
export function natsClusterPort(id: string): string {
  return `${id.toUpperCase().replace("-", "_")}_CLUSTER_PORT`;
}

/** The variable of the port of replica number `n`'s link to a NATS server. */
export function natsLinkPort(n: string, id: string): string {
  return id === "nats" ? `LINK_${n}_PORT` : `LINK_${n}_${natsPort(id)}`;
}
