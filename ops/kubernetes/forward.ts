import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Command } from "../command.ts";
import { CannotError } from "../stack/engine.ts";
import { pause } from "../wait/pause.ts";
import { createKubectl } from "./kubectl.ts";
import { forwardOf, listPods } from "./pods.ts";

/** Interval at which the pods are looked at, ms. */
const lookEveryMs = 1_000;

/** Keeps the host's ports open to the pods of a stack on Kubernetes. `make up` starts it, and `make down` ends it. */
export const forward: Command = {
  usage: "",
  summary: "keep port-forwards to the pods of a stack on Kubernetes",
  follows: true,
  async run({ stack, config, print, signal }) {
    if (stack.engine.name !== "kubernetes") throw new CannotError("this command is for ENGINE=kubernetes");
    const kubectl = createKubectl(config.KUBECTL, config.KUBE_CONTEXT ?? "", config.STACK);
    const open = new Map<string, { uid: string; child: ChildProcess }>();
    const keep = (key: string, uid: string, target: string, variable: string, port: number) => {
      const known = open.get(key);
      if (known !== undefined && known.uid === uid && known.child.exitCode === null && known.child.signalCode === null)
        return;
      known?.child.kill();
      const child = kubectl.start("port-forward", target, `${stack.layout.port(variable)}:${port}`);
      child.once("error", (error) => print(`${key}: ${error.message}`));
      // What it prints is read, or its pipe would fill.
      child.stdout?.resume();
      open.set(key, { uid, child });
    };
    while (!signal.aborted) {
      try {
        const pods = await listPods(kubectl);
        for (const { id, uid, name } of pods) {
          const [variable, port] = forwardOf(id) ?? [];
          if (variable !== undefined && port !== undefined) keep(id, uid, `pod/${name}`, variable, port);
        }
        const proxy = pods.find(({ app, ready }) => app === "proxy" && ready);
        if (proxy !== undefined) keep("public", proxy.uid, `pod/${proxy.name}`, "PROXY_PORT", 8080);
      } catch (error) {
        print((error as Error).message);
      }
      await pause(lookEveryMs, signal);
    }
    for (const { child } of open.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
    return 0;
  },
};
