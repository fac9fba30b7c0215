import { runProgram } from "../common/program.ts";
import { proxyConfig } from "./config.ts";
import { createProxy } from "./proxy.ts";
import { createTuning } from "./tuning/tuning.ts";

await runProgram("proxy", proxyConfig, async (config, log) => {
  const tuning = await createTuning({
    wanted: config.PROXY_TUNING,
    nodeVersion: process.versions.node,
    nodeOptions: [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")],
    log,
  });
  const proxy = createProxy(config, { log, tuning });
  process.on("SIGHUP", () => {
    try {
      proxy.reloadTls();
    } catch (err) {
      log.error({ err }, "the certificate cannot be reloaded: the old one stays");
    }
  });
  await proxy.listen();
  return proxy;
});
