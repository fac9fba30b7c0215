import type { Slowness } from "./engine.ts";
import { askAdmin, changeAdmin } from "./http.ts";

interface LinkDescription {
  id: string;
  faults: Record<string, { latencyMs?: number; jitterMs?: number }>;
}

/** The admin endpoint of the links (ops/link/main.ts), by replica. Several `ids` are set one after the other. */
export function createLinksClient(admin: string, adminToken: string | undefined) {
  const each = async (ids: readonly string[], call: (id: string) => Promise<unknown>) => {
    for (const id of ids) await call(id);
  };
  return {
    list: () => askAdmin<LinkDescription[]>(`${admin}/links`),
    partition: (ids: readonly string[]) =>
      each(ids, (id) => changeAdmin({ adminToken }, "PUT", `${admin}/links/${id}/faults/black-hole`, {})),
    slow: (ids: readonly string[], slowness: Slowness) =>
      each(ids, (id) => changeAdmin({ adminToken }, "PUT", `${admin}/links/${id}/faults/latency`, slowness)),
    clear: (ids: readonly string[]) =>
      each(ids, (id) => changeAdmin({ adminToken }, "DELETE", `${admin}/links/${id}/faults`)),
  };
}

/** A link's faults as text: `cut off`, `slowed by 200 ± 50 ms`. */
export function describeFaults({ faults }: LinkDescription): string[] {
  return Object.entries(faults).map(([name, { latencyMs = 0, jitterMs = 0 }]) => {
    if (name === "latency") return `slowed by ${latencyMs} ± ${jitterMs} ms`;
    return name === "black-hole" ? "cut off from the backplane" : name;
  });
}
