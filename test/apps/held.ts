import { until } from "../support/poll.ts";
import type { ProcessStack } from "../support/process-stack.ts";

/** A client of an application's authors, connected through the proxy, with the losses of its connection. */
export interface Held {
  name: string;
  connected(): boolean;
  /** Its replica; null if it is not known yet. */
  node(): string | null;
  /** Each loss of its connection: time (epoch ms) and replica. */
  losses: { at: number; node: string | null }[];
  close(): void | Promise<void>;
}

/** Waits until each client is connected and its replica is known and not in `without`. */
export function allHeld(clients: readonly Held[], { without = [] as readonly string[], withinMs = 20_000 } = {}) {
  return until(
    "every client is connected",
    () => clients.every((one) => one.connected() && one.node() !== null && !without.includes(one.node() ?? "")),
    { withinMs, everyMs: 50 },
  );
}

/** Losses during `act` that the stack caused: those of clients whose replica was not in `ended` at that time. */
export async function unexpectedLosses(
  clients: readonly Held[],
  ended: (loss: { at: number; node: string | null }) => boolean,
  act: () => Promise<void>,
): Promise<string[]> {
  const before = new Map(clients.map((one) => [one, one.losses.length]));
  await act();
  return clients.flatMap((one) =>
    one.losses
      .slice(before.get(one))
      .filter((loss) => !ended(loss))
      .map(({ node }) => `${one.name} lost its connection to ${node}`),
  );
}

/** Lets time pass without a fault. */
export function pass(ms: number): Promise<unknown> {
  const from = performance.now();
  return until(`${ms} ms have passed`, () => performance.now() - from > ms, { withinMs: ms + 5_000, everyMs: 100 });
}

/** The replica with most of the clients. */
export function busiest(clients: readonly Held[]): string {
  const nodes = clients.map((one) => one.node() ?? "");
  const count = (id: string) => nodes.filter((node) => node === id).length;
  return [...new Set(nodes)].sort((a, b) => count(b) - count(a))[0] ?? "";
}

/** The state of a replica in the proxy's table. */
export async function stateOf({ engine }: ProcessStack, id: string): Promise<string | undefined> {
  const rows = (await (await fetch(`${engine.endpoints.proxyAdmin}/replicas`)).json()) as {
    id: string;
    state: string;
  }[];
  return rows.find((row) => row.id === id)?.state;
}
