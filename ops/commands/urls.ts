import type { Command } from "../command.ts";

/** Where the stack listens, for a person. */
export const urls: Command = {
  usage: "",
  summary: "where everything listens",
  async run({ stack, print }) {
    const { endpoints } = stack.engine;
    const running = new Set((await stack.engine.services()).map(({ id }) => id));
    print(`call page      ${endpoints.proxy}/   open it in two windows`);
    if (running.has("grafana")) print(`dashboards     ${endpoints.grafana}/`);
    if (running.has("prometheus")) print(`prometheus     ${endpoints.prometheus}/`);
    if (running.has("alertmanager")) print(`alertmanager   ${endpoints.alertmanager}/`);
    print(`proxy admin    ${endpoints.proxyAdmin}/replicas`);
    for (const id of [...running].filter((other) => other.startsWith("signaling-")))
      print(`${id.padEnd(15)}${endpoints.replica(id).public}/   admin ${endpoints.replica(id).admin}/readyz`);
    print("then: make status, make kill-node, make heal");
    return 0;
  },
};
