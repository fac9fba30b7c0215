import type { Server } from "node:net";
import type { ReplicaTable } from "./routing/replica-table.ts";

/** Between two looks at what is still open, ms. */
const lookEveryMs = 50;
/** A replica ends a tunnel that is moved within this, unless it hangs, ms: its round trip takes 3 s at most. */
const tunnelsMs = 4_000;
/** Requests under way have this long to end where no other proxy takes new ones meanwhile, ms. */
const aloneMs = 500;
/** With other proxies they have this long, ms. A poll ends with the next signal, and its session goes on elsewhere. */
const besideOthersMs = 5_000;
/** Share of the grace period that requests get. */
const shareOfGrace = 0.7;

/**
 * Stops listening and ends what is open without losing what a replica has sent: tunnels are moved, and polls have time for
 * their answer if another proxy serves meanwhile. Resolves when every connection is closed.
 */
export async function shutDown({
  servers,
  table,
  alone,
  graceMs,
  closeIdle,
  closeAll,
}: {
  servers: readonly Server[];
  table: Pick<ReplicaTable, "carriers">;
  /** No other proxy serves the same clients. */
  alone: boolean;
  graceMs: number;
  /** Closes the connections without a request. */
  closeIdle: () => void;
  closeAll: () => void;
}): Promise<void> {
  const begunAt = performance.now();
  const requestsMs = alone ? aloneMs : Math.max(aloneMs, Math.min(besideOthersMs, graceMs * shareOfGrace));
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  // Again and again, since an upgrade under way becomes a tunnel.
  const look = () => {
    const passedMs = performance.now() - begunAt;
    for (const { tunnels } of table.carriers())
      for (const tunnel of tunnels) {
        if (passedMs < tunnelsMs) tunnel.move("shutdown");
        else tunnel.destroy("shutdown");
      }
    if (passedMs >= aloneMs) closeIdle();
    if (passedMs >= requestsMs) closeAll();
  };
  look();
  const looking = setInterval(look, lookEveryMs);
  await Promise.all(closed);
  clearInterval(looking);
}
