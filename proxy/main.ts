import { runProgram } from "../common/program.ts";
import { proxyConfig } from "./config.ts";
import { createProxy } from "./proxy.ts";
import { spareStacksOfResets } from "./tuning/reset-errors.ts";
import { boundYoungGeneration } from "./tuning/young-generation.ts";

await runProgram("proxy", proxyConfig, async (config, log) => {
  const proxy = createProxy(config, { log });
  process.on("SIGHUP", () => {
    try {
      proxy.reloadTls();
    } catch (err) {
      log.error({ err }, "the certificate cannot be reloaded: the old one stays");
    }
  });
  await proxy.listen();
  boundYoungGeneration();
  spareStacksOfResets();
  return proxy;
});
