import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { type ReplicaSpec, replicaSpec } from "./replica-spec.ts";

const Changes = z.record(
  z.string(),
  z.object({
    /** Added or replaced by an operator; null: taken out. Absent: as the configuration has it. */
    spec: z.object({ url: z.string(), readyUrl: z.string().optional() }).nullish(),
    drained: z.boolean().optional(),
  }),
);
type Change = z.output<typeof Changes>[string];

/**
 * What operators changed in the table of replicas, in a file that all proxies of a stack share, so that a proxy that
 * starts knows it. Each change is laid over what the file holds now: a proxy that missed some does not undo them.
 *
 * @param path undefined: nothing is kept
 */
export function openTableFile(path: string | undefined) {
  /** @throws Error that names the file, where it is not one of ours */
  function read(): z.output<typeof Changes> {
    if (path === undefined || !existsSync(path)) return {};
    try {
      return Changes.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      throw new Error(`${path} is no table of replicas: delete it, or mend it`, { cause: error });
    }
  }
  return {
    /** Keeps a change. @throws the system's error where it cannot be written */
    change(id: string, change: Change): void {
      if (path === undefined) return;
      const all = read();
      all[id] = { ...all[id], ...change };
      // Proxies in containers have the same pid.
      const aside = `${path}.${randomUUID()}`;
      writeFileSync(aside, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
      renameSync(aside, path);
    },
    /** The configured replicas with every change. */
    applyTo(specs: readonly ReplicaSpec[]): { specs: ReplicaSpec[]; drained: ReadonlySet<string> } {
      const replicas = new Map(specs.map((spec) => [spec.id, spec]));
      const drained = new Set<string>();
      for (const [id, change] of Object.entries(read())) {
        if (change.spec === null) replicas.delete(id);
        else if (change.spec !== undefined) replicas.set(id, replicaSpec(id, change.spec.url, change.spec.readyUrl));
        if (change.drained === true) drained.add(id);
      }
      return { specs: [...replicas.values()], drained };
    },
  };
}

export type TableFile = ReturnType<typeof openTableFile>;
