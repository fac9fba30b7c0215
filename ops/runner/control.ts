import type { Control } from "../drills/define-drill.ts";
import type { UndoStep } from "../record/record.ts";
import type { Stack } from "../stack/open-stack.ts";
import { awaitReady, type ReplicaRow, replicaTable } from "../stack/replica-table.ts";

/** The undo steps of a control: each service that it changed is restarted with the stack's settings. */
export function undoControl(replicas: readonly ReplicaRow[], { settings }: Control): UndoStep[] {
  const ids = [
    ...(settings?.replicas === undefined ? [] : replicas.map(({ id }) => id)),
    ...(["proxy", "balancer"] as const).filter((id) => settings?.[id] !== undefined),
  ];
  // Settings that depend on the stack of now may lead nowhere after the drill.
  const first = typeof settings?.replicas === "function";
  return ids.map((id) => (first ? { do: "restart", id, first } : { do: "restart", id }));
}

/** Restarts the services that the control changes, with its settings. Returns the equivalent commands. */
export async function switchOff({ engine }: Stack, { settings }: Control): Promise<string[]> {
  const ids = (await replicaTable(engine.endpoints)).map(({ id }) => id);
  const typed: string[] = [];
  const restart = async (id: string, env: Readonly<Record<string, string>>) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
    typed.push(`${variables.join(" ")}; ${(await engine.restart(id, env)).typed}`);
  };
  const { replicas } = settings ?? {};
  const forReplicas = typeof replicas === "function" ? await replicas(engine) : replicas;
  if (forReplicas !== undefined) for (const id of ids) await restart(id, forReplicas);
  for (const id of ["proxy", "balancer"] as const) {
    const env = settings?.[id];
    if (env !== undefined) await restart(id, env);
  }
  if (typed.length > 0) await awaitReady(engine.endpoints, ids);
  return typed;
}
