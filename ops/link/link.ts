import { connect, createServer, type Socket } from "node:net";
import type { Log } from "../../common/log.ts";
import { blackHole } from "./black-hole.ts";
import type { Effect, Fault } from "./fault.ts";
import { latency } from "./latency.ts";
import { createPump } from "./pump.ts";

/** Every fault by the name that the admin endpoint uses. */
const faults: Readonly<Record<string, Fault>> = { latency, "black-hole": blackHole };

export interface LinkAddress {
  host: string;
  port: number;
}

/** One TCP link `listen` → `upstream` whose faults can be set and cleared while it carries connections. */
export function createLink(id: string, listen: LinkAddress, upstream: LinkAddress, log: Log) {
  const active = new Map<string, { settings: unknown; effect: Effect }>();
  const connections = new Set<ReturnType<typeof carry>>();
  const effects = () => [...active.values()].map((fault) => fault.effect);
  const holdMs = () => effects().reduce((sum, effect) => sum + (effect.holdMs?.() ?? 0), 0);
  const frozen = () => effects().some((effect) => effect.frozen);

  function carry(client: Socket) {
    const server = connect({ ...upstream, noDelay: true, allowHalfOpen: true });
    const pumps = [createPump(client, server, holdMs), createPump(server, client, holdMs)];
    const connection = {
      apply(): void {
        for (const pump of pumps) frozen() ? pump.freeze() : pump.thaw();
      },
      destroy(): void {
        for (const pump of pumps) pump.stop();
        for (const socket of [client, server]) socket.destroy();
        connections.delete(connection);
      },
    };
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on("error", (error) => log.debug({ link: id, err: error }, "connection failed"));
      // The other side sees the same as without a link: an abort is passed on here, an orderly end goes through the
      // pump.
      socket.on("close", (failed) => {
        if (failed && !other.destroyed) other.resetAndDestroy();
        if (client.destroyed && server.destroyed) connection.destroy();
      });
    }
    connections.add(connection);
    connection.apply();
    return connection;
  }

  const waiting = new Set<Socket>();
  const accept = (client: Socket) => {
    if (frozen()) {
      client.pause();
      waiting.add(client);
      client.once("close", () => waiting.delete(client));
    } else carry(client);
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    client.on("error", (error) => log.debug({ link: id, err: error }, "client failed"));
    accept(client);
  });
  const open = () =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listen.port, listen.host, () => {
        server.off("error", reject);
        resolve();
      });
    });

  function apply(): void {
    for (const connection of connections) connection.apply();
    if (frozen()) return;
    const clients = [...waiting];
    waiting.clear();
    for (const client of clients) if (!client.destroyed) carry(client);
  }

  return {
    id,
    open,
    /** Sets a fault, or changes its settings. Throws a ZodError on bad settings. */
    set(name: string, settings: unknown): void {
      const fault = faults[name];
      if (fault === undefined) throw new RangeError(`no such fault: ${name} (${Object.keys(faults).join(", ")})`);
      const parsed = fault.settings.parse(settings ?? undefined);
      active.set(name, { settings: parsed, effect: fault.effect(parsed) });
      apply();
    },
    /** Clears one fault, or all. */
    clear(name?: string): void {
      if (name === undefined) active.clear();
      else active.delete(name);
      apply();
    },
    describe: () => ({
      id,
      listen: `${listen.host}:${listen.port}`,
      upstream: `${upstream.host}:${upstream.port}`,
      connections: connections.size + waiting.size,
      faults: Object.fromEntries([...active].map(([name, { settings }]) => [name, settings])),
    }),
    close(): void {
      for (const connection of connections) connection.destroy();
      for (const client of waiting) client.destroy();
      server.close();
    },
  };
}

export type Link = ReturnType<typeof createLink>;
