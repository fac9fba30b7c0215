import { runProgram } from "../../common/program.ts";
import { schema } from "./config.ts";
import { createGuard } from "./guard.ts";

await runProgram("guard", schema, async (config, log) => {
  const guards = config.GUARDED.map((guarded) =>
    createGuard({ ...guarded, hostnames: config.ADMIN_HOSTNAMES, password: config.GUARD_PASSWORD, log }),
  );
  const addresses = await Promise.all(guards.map((guard) => guard.listen()));
  log.info({ ports: addresses.map(({ port }) => port) }, "ready");
  return {
    async close() {
      await Promise.all(guards.map((guard) => guard.close()));
    },
  };
});
