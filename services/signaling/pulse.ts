import { hash } from "node:crypto";
import type { AdminRoutes } from "../../common/admin-server.ts";
import { type ReplicaPulse, readProcessPulse, shownPeers } from "../../common/pulse.ts";
import type { Connection } from "./gateways/connection.ts";
import type { Metrics } from "./metrics.ts";

/** Length of a peer's name: 48 bits, so that two of 300 peers never share one in practice. */
const nameLength = 8;

/**
 * `GET /pulse?salt=…`: this replica's data for a board, in one cheap answer. A peer's name is a hash of its id and the
 * board's salt. The same peer has the same name on every replica, and the name does not reveal its id or its room.
 */
export function pulseRoute(options: {
  nodeId: string;
  state: () => string;
  bus: ReplicaPulse["bus"];
  backplaneUp: () => boolean;
  connections: () => Iterable<Connection>;
  metrics: Metrics;
}): AdminRoutes {
  const { nodeId, state, bus, backplaneUp, connections, metrics } = options;
  // One asker at a time has its names kept: a hash for each peer and each look would cost more than the rest.
  let kept = { salt: "", names: new WeakMap<Connection, { peerId: string; name: string }>() };

  function nameOf(connection: Connection, peerId: string): string {
    const known = kept.names.get(connection);
    if (known?.peerId === peerId) return known.name;
    const name = hash("sha256", `${kept.salt}.${peerId}`, "base64url").slice(0, nameLength);
    kept.names.set(connection, { peerId, name });
    return name;
  }

  return {
    "GET /pulse": async ({ query }) => {
      const salt = (query.get("salt") ?? "").slice(0, 64);
      if (salt !== kept.salt) kept = { salt, names: new WeakMap() };
      const names: string[] = [];
      for (const connection of connections())
        if (connection.peerId !== null && connection.rooms.size > 0) names.push(nameOf(connection, connection.peerId));
      const { values } = await metrics.events.get();
      const pulse: ReplicaPulse = {
        ...(await readProcessPulse()),
        node: nodeId,
        state: state(),
        bus,
        backplaneUp: backplaneUp(),
        peers: names.length,
        names: names.sort().slice(0, shownPeers),
        events: values.reduce((sum, { value }) => sum + value, 0),
      };
      return { body: pulse };
    },
  };
}
