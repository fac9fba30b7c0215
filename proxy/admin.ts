import { z } from "zod";
import { AdminError } from "../common/admin-access.ts";
import type { AdminRoutes } from "../common/admin-server.ts";
import { type ProxyPulse, readProcessPulse } from "../common/pulse.ts";
import type { ProxyDrain } from "./drain.ts";
import type { Membership } from "./names/membership.ts";
import { type ReplicaSpec, replicaSpec } from "./routing/replica-spec.ts";
import type { Replica, ReplicaTable } from "./routing/replica-table.ts";
import type { TableFile } from "./routing/table-file.ts";

const PutBody = z.object({ url: z.string(), readyUrl: z.string().optional() });

/** A replica in the answer of `GET /replicas`. */
function view({ spec, state, reason, since, tunnels }: Replica) {
  return {
    id: spec.id,
    url: spec.url.origin,
    // Only for a name: its address.
    ...(spec.url.hostname === spec.host ? {} : { address: spec.host }),
    state,
    // `GET` of this URL did not pass; what it must answer is in docs/adopt.md.
    ...(reason === undefined ? {} : { reason: `${spec.readyUrl.href}: ${reason}` }),
    tunnels: tunnels.size,
    since: new Date(since).toISOString(),
  };
}

/** The proxy's admin endpoints. The table file keeps their changes; without one a restart undoes them. */
export function adminRoutes(deps: {
  table: ReplicaTable;
  members: Membership;
  kept: TableFile;
  drain: ProxyDrain;
  closing: () => boolean;
}): AdminRoutes {
  const { table, members, kept, drain, closing } = deps;

  function find(id: string | undefined): Replica {
    const replica = table.get(id ?? "");
    if (replica === undefined)
      throw new AdminError(404, `no replica ${id}: there are ${table.ids.join(", ") || "none"}`);
    return replica;
  }
  function setDrained(id: string | undefined, drained: boolean) {
    const replica = find(id);
    kept.change(replica.spec.id, { drained });
    table.setDrained(replica, drained);
    return { body: view(replica) };
  }

  return {
    "GET /readyz": () => {
      const routable = table.routable();
      if (closing()) return { status: 503, body: { state: "draining", routable } };
      // HAProxy reads 404 as: no new connections, but the open ones stay (`http-check disable-on-404`).
      if (drain.active()) return { status: 404, body: { state: "draining", routable } };
      return {
        status: routable.length > 0 ? 200 : 503,
        body: { state: routable.length > 0 ? "ready" : "down", routable },
      };
    },
    "GET /pulse": async () => {
      const pulse: ProxyPulse = { ...(await readProcessPulse()), replicas: table.all().map(view) };
      return { body: pulse };
    },
    "GET /replicas": () => ({ body: table.all().map(view) }),
    "PUT /replicas/:id": async ({ params, body }) => {
      const { url, readyUrl } = PutBody.parse(body);
      const id = params["id"] ?? "";
      const existed = table.get(id) !== undefined;
      let spec: ReplicaSpec;
      try {
        spec = replicaSpec(id, url, readyUrl);
      } catch (error) {
        throw new AdminError(400, (error as Error).message);
      }
      kept.change(id, { spec: { url, readyUrl }, drained: false });
      const replica = await members.add(spec);
      if (replica === undefined) return { status: 202, body: { id, url, state: "absent" } };
      return { status: existed ? 200 : 201, body: view(replica) };
    },
    "DELETE /replicas/:id": ({ params }) => {
      const id = params["id"] ?? "";
      const replica = table.get(id);
      if (!members.remove(id)) find(id);
      kept.change(id, { spec: null, drained: false });
      return { body: replica === undefined ? { id, state: "absent" } : view(replica) };
    },
    "POST /replicas/:id/drain": ({ params }) => setDrained(params["id"], true),
    "POST /replicas/:id/undrain": ({ params }) => setDrained(params["id"], false),
    "POST /drain": () => {
      drain.begin();
      return { body: { state: "draining" } };
    },
    "POST /undrain": () => {
      drain.end();
      return { body: { state: "ready" } };
    },
    "POST /tunnels/drop": () => {
      const tunnels = table.carriers().flatMap((replica) => [...replica.tunnels]);
      for (const tunnel of tunnels) tunnel.destroy("dropped");
      return { body: { dropped: tunnels.length } };
    },
  };
}
