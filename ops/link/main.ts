import { Registry } from "prom-client";
import { AdminError } from "../../common/admin-access.ts";
import { createAdminServer } from "../../common/admin-server.ts";
import { runProgram } from "../../common/program.ts";
import { schema } from "./config.ts";
import { createLink, type Link } from "./link.ts";

// TCP links between the replicas and Redis, with faults:
//
//   GET    /links                     each link and its faults
//   PUT    /links/:id/faults/:fault   latency {latencyMs, jitterMs} · black-hole
//   DELETE /links/:id/faults[/:fault]
await runProgram("links", schema, async (config, log) => {
  const links = config.LINKS.map(({ id, listen, upstream = config.UPSTREAM }) => createLink(id, listen, upstream, log));
  const ids = [...new Set(links.map(({ id }) => id))];
  // A replica has a link to each Redis server. Its faults are those of all of them.
  const find = (id = "") => {
    const found = links.filter((link) => link.id === id);
    if (found.length === 0) throw new AdminError(404, `no such link: ${id} (${ids.join(", ")})`);
    return found;
  };
  const describe = (found: readonly Link[]) => found.map((link) => link.describe());
  const admin = createAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    registry: new Registry(),
    log,
    hostnames: ["links", ...config.ADMIN_HOSTNAMES],
    token: config.ADMIN_TOKEN,
    routes: {
      "GET /links": () => ({ body: describe(links) }),
      "PUT /links/:id/faults/:fault": ({ params, body }) => {
        const found = find(params["id"]);
        try {
          for (const link of found) link.set(params["fault"] ?? "", body);
        } catch (error) {
          throw error instanceof RangeError ? new AdminError(404, error.message) : error;
        }
        log.debug({ link: params["id"], fault: params["fault"], settings: body }, "fault set");
        return { body: describe(found) };
      },
      "DELETE /links/:id/faults/:fault": ({ params }) => {
        const found = find(params["id"]);
        for (const link of found) link.clear(params["fault"]);
        log.debug({ link: params["id"], fault: params["fault"] }, "fault cleared");
        return { body: describe(found) };
      },
      "DELETE /links/:id/faults": ({ params }) => {
        const found = find(params["id"]);
        for (const link of found) link.clear();
        log.debug({ link: params["id"] }, "all faults cleared");
        return { body: describe(found) };
      },
    },
  });
  await Promise.all(links.map((link) => link.open()));
  const { port } = await admin.listen();
  log.info({ links: ids, adminPort: port }, "ready");
  return {
    async close() {
      for (const link of links) link.close();
      await admin.close();
    },
  };
});
