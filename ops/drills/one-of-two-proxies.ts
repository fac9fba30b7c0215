import { proxyViews, type ReplicaRow } from "../stack/replica-table.ts";
import type { DrillContext, Expectation } from "./define-drill.ts";
import { figureOf, moved, noMediaInterruption, reconnectP95 } from "./measures.ts";

/** The proxy that these drills break. */
export const victim = "proxy-2";
/** Long-lived sockets alone: how many a proxy carries is known, and each counts once. */
export const webSocketsAlone = { calls: 20, mix: { default: 1, websocket: 2, polling: 0 } } as const;

const tunnelsOf = (table: readonly ReplicaRow[] = []) => table.reduce((sum, { tunnels }) => sum + tunnels, 0);

/** Keeps how many tunnels the proxy that is about to be broken carries, and its neighbour. */
export async function countTunnels({ stack, figure }: DrillContext): Promise<void> {
  const { proxy, [victim]: broken } = await proxyViews(stack.engine.endpoints);
  figure("tunnels at the broken proxy", tunnelsOf(broken));
  figure("tunnels at the other", tunnelsOf(proxy));
}

/** What the loss of one of two proxies may cost. */
export const expectations: readonly Expectation[] = [
  reconnectP95(3_000),
  noMediaInterruption,
  {
    name: "clients of the other proxy that lost a socket",
    unit: "",
    bound: { max: 0 },
    measure: (seen) => Math.max(0, moved(seen) - figureOf("tunnels at the broken proxy")(seen)),
  },
  {
    name: "tunnels that the other proxy carried",
    unit: "",
    bound: { min: 1 },
    measure: figureOf("tunnels at the other"),
  },
];
