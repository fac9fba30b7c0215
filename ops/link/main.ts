import { Registry } from "prom-client";
import { AdminError } from "../../common/admin-access.ts";
import { createAdminServer } from "../../common/admin-server.ts";
import { runProgram } from "../../common/program.ts";
import { schema } from "./config.ts";
import { createLink } from "./link.ts";

// TCP links between the replicas and Redis, with faults:
//
//   GET    /links                     each link and its faults
//   PUT    /links/:id/faults/:fault   latency {latencyMs, jitterMs} · black-hole
//   DELETE /links/:id/faults[/:fault]
await runProgram("links", schema, async (config, log) => {
  const links = new Map(
    config.LINKS.map(({ id, host, port }) => [id, createLink(id, { host, port }, config.UPSTREAM, log)]),
  );
  const find = (id = "") => {
    const link = links.get(id);
    if (link === undefined) throw new AdminError(404, `no such link: ${id} (${[...links.keys()].join(", ")})`);
    return link;
  };
  const admin = createAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    registry: new Registry(),
    log,
    hostnames: ["links", ...config.ADMIN_HOSTNAMES],
    token: config.ADMIN_TOKEN,
    routes: {
      "GET /links": () => ({ body: [...links.values()].map((link) => link.describe()) }),
      "PUT /links/:id/faults/:fault": ({ params, body }) => {
        const link = find(params["id"]);
        try {
          link.set(params["fault"] ?? "", body);
        } catch (error) {
          throw error instanceof RangeError ? new AdminError(404, error.message) : error;
        }
        log.debug({ link: link.id, fault: params["fault"], settings: body }, "fault set");
        return { body: link.describe() };
      },
      "DELETE /links/:id/faults/:fault": ({ params }) => {
        const link = find(params["id"]);
        link.clear(params["fault"]);
        log.debug({ link: link.id, fault: params["fault"] }, "fault cleared");
        return { body: link.describe() };
      },
      "DELETE /links/:id/faults": ({ params }) => {
        const link = find(params["id"]);
        link.clear();
        log.debug({ link: link.id }, "all faults cleared");
        return { body: link.describe() };
      },
    },
  });
  await Promise.all([...links.values()].map((link) => link.open()));
  const { port } = await admin.listen();
  log.info({ links: [...links.keys()], adminPort: port }, "ready");
  return {
    async close() {
      for (const link of links.values()) link.close();
      await admin.close();
    },
  };
});
