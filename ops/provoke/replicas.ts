import { isReplica } from "../stack/replica-id.ts";
import { awaitReady, replicaTable } from "../stack/replica-table.ts";
import { pause } from "../wait/pause.ts";
import { beginLoad, endLoad } from "./load.ts";
import type { Provocation, ProvokeContext } from "./provocation.ts";

const replicas = ({ stack }: Pick<ProvokeContext, "stack">): Promise<string[]> =>
  stack.engine.services().then((all) => all.map(({ id }) => id).filter(isReplica));

async function killAllBut(context: ProvokeContext, spared: number): Promise<string[]> {
  const killed = (await replicas(context)).slice(spared);
  for (const id of killed) await context.act("kill", id);
  return killed;
}

/** Provocations of the alerts about replicas and of the SLO's alert. Without replicas every call set-up fails. */
export const replicaProvocations: Readonly<Record<string, Provocation>> = {
  SignalingReplicaDown: {
    how: "kills signaling-2",
    begin: async ({ act }) => void (await act("kill", "signaling-2")),
    withinSeconds: 30,
  },
  SignalingBelowQuorum: {
    how: "kills all replicas but one",
    begin: async (context) => void (await killAllBut(context, 1)),
    withinSeconds: 30,
  },
  SignalingCallSetupBudgetBurn: {
    how: "kills all replicas, so that call set-ups fail",
    begin: async (context) => void (await killAllBut(context, 0)),
    withinSeconds: 90,
  },
  SignalingEventLoopLag: {
    how: "stops signaling-2 for 300 ms of each half second",
    begin: async () => undefined,
    async goOn({ stack }) {
      await stack.engine.pause("signaling-2");
      await pause(300);
      await stack.engine.resume("signaling-2");
      await pause(200);
    },
    withinSeconds: 60,
  },
  SignalingDrainStuck: {
    how: "restarts signaling-2 with DRAIN_PER_SECOND=1, puts 240 peers on the stack, and drains it",
    async begin(context) {
      await context.stack.engine.restart("signaling-2", { DRAIN_PER_SECOND: "1" });
      await awaitReady(context.stack.engine.endpoints, ["signaling-2"]);
      await beginLoad(context, 120);
      await context.act("drain", "signaling-2");
    },
    async end(context) {
      await endLoad(context);
      // Restarts it with its original setting.
      await context.stack.engine.restart("signaling-2");
    },
    withinSeconds: 90,
  },
  SignalingImbalanced: {
    how: "puts 60 peers on the stack, kills all replicas but one, and starts them again",
    async begin(context) {
      const { stack, signal } = context;
      await beginLoad(context, 30);
      const killed = await killAllBut(context, 1);
      const spared = (await replicas(context)).find((id) => !killed.includes(id)) ?? "";
      const tunnels = async () =>
        (await replicaTable(stack.engine.endpoints)).find(({ id }) => id === spared)?.tunnels ?? 0;
      for (let tries = 0; (await tunnels()) < 60 && tries < 60 && !signal.aborted; tries += 1) await pause(500, signal);
      for (const id of killed) await context.act("start", id);
    },
    end: endLoad,
    withinSeconds: 120,
  },
};
