import { createAttacker } from "../hostile/attacker.ts";
import { sharpest } from "../hostile/attacks.ts";
import { atLowPriority } from "../hostile/low-priority.ts";
import { CannotError } from "../stack/engine.ts";
import type { Stack } from "../stack/open-stack.ts";
import { everySecond } from "../wait/every-second.ts";
import { allJoined } from "./conditions.ts";
import { type DrillContext, defineDrill, type Observation } from "./define-drill.ts";
import { figureOf, noMediaInterruption, noneLost } from "./measures.ts";

/** Calls without media connections, because hostile peers join their rooms. */
const roomsOf = (run: string) => [1, 2, 3].map((call) => `${run}-${call}`);

/** Resident memory of the proxy and of every replica, from their metrics, MiB. */
async function memory({ engine }: Stack, ids: readonly string[]): Promise<number[]> {
  const urls = [engine.endpoints.proxyAdmin, ...ids.map((id) => engine.endpoints.replica(id).admin)];
  return Promise.all(
    urls.map(async (url) => {
      const page = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(page)?.[1]) / 1_048_576;
    }),
  );
}

/**
 * Sends one input of each kind, one after the other. Records the largest growth of a program during one of them, and
 * how often one was not ready.
 */
async function attackInTurn({ stack, node, others, calls, replicas, figure, typed, signal }: DrillContext) {
  const { protocol, hostname: host, port } = new URL(stack.engine.endpoints.proxy);
  if (protocol !== "http:") throw new CannotError("hostile-client attacks the plain port: run it without OVERLAYS=tls");
  // On one machine all clients share an address. The attacker uses another one, so that it does not use up the callers'
  // limits.
  const from = host === "127.0.0.1" ? { from: "127.0.0.2" } : {};
  const target = { host, port: Number(port) || 80, rooms: roomsOf((await calls()).run), ...from };
  const ids = [node, ...others];
  let before = await memory(stack, ids);
  let [grownMib, unready, attacks] = [0, 0, 0];
  const watching = everySecond(async () => {
    try {
      const now = await memory(stack, ids);
      grownMib = Math.max(grownMib, ...now.map((mib, index) => mib - (before[index] ?? Number.NaN)));
      if ((await replicas()).some(({ state }) => state !== "ready")) unready += 1;
    } catch {
      // The drill must notice a program that does not answer.
      unready += 1;
    }
  });
  try {
    for (const attack of sharpest) {
      if (signal.aborted) break;
      // The watch counts a program that does not answer now.
      before = await memory(stack, ids).catch(() => before);
      typed(`# a client ${attack.name} (${attack.guard})`);
      const attacker = createAttacker(target, AbortSignal.any([signal, AbortSignal.timeout(attack.forMs)]));
      try {
        await atLowPriority(() => attack.run(attacker));
      } catch {
        // A guard or the time limit may end the attack. The number of sent messages shows whether it took place.
        attacker.count("cut off");
      } finally {
        attacker.end();
      }
      if ((attacker.figures["sent"] ?? 0) > 0) attacks += 1;
    }
  } finally {
    await watching.close();
  }
  figure("attacks", attacks);
  figure("grown MiB", grownMib);
  figure("times not ready", unready);
}

const latency = (percentile: "p99" | "max") => (seen: Observation) =>
  Math.max(seen.after.latencyMs.local[percentile], seen.after.latencyMs.remote[percentile]);

/** docs/drills.md, hostile-client. */
export const hostileClient = defineDrill({
  name: "hostile-client",
  claim: "A hostile client hurts no other client, whatever it sends.",
  engines: ["process", "compose"],
  calls: { calls: 6, signalsPerSecond: 10 },
  undo: [{ do: "heal" }],
  inject: attackInTurn,
  injected: async ({ figures }) => (figures["attacks"] ?? 0) > sharpest.length / 2,
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [
    { name: "other sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
    noneLost,
    { name: "signals' latency p99", unit: "ms", bound: { max: 250 }, measure: latency("p99") },
    { name: "the slowest signal", unit: "ms", bound: { max: 1_500 }, measure: latency("max") },
    { name: "MiB that a program grew by", unit: "", bound: { max: 64 }, measure: figureOf("grown MiB") },
    {
      name: "times that a program was not ready, or did not answer",
      unit: "",
      bound: { max: 0 },
      measure: figureOf("times not ready"),
    },
    noMediaInterruption,
  ],
  control: {
    off: "the bounds on what clients leave unfinished",
    settings: {
      replicas: { MAX_UNFINISHED_BYTES: "17179869184" },
      proxy: { MAX_PENDING_BYTES_PER_CLIENT: "1000000000" },
    },
  },
  runbook: "SignalingEventLoopLag",
  dashboard: "Proxy",
  teaches: "Memory and CPU need a bound for each client; without one a single client uses up the share of all.",
});
