import { everySecond } from "../wait/every-second.ts";
import { noteAlerts } from "./alert-watch.ts";
import { type Injection, observationOf, type Run } from "./phases.ts";

/** Runs while a drill is injected and watched. Records firing alerts, informs the board and shows the callers. */
export function startMonitors(run: Run, injection: Injection): { close(): Promise<void> } {
  const { options, access, progress, callers, result } = run;
  const { at, nodes } = injection;
  let seenReceived = 0;

  async function show(): Promise<void> {
    if (options.show === undefined) return;
    const { peers, signals } = await access.report(callers, at);
    const count = (state: (peer: (typeof peers)[number]) => boolean) => peers.filter(state).length;
    options.show({
      sinceMs: Date.now() - at,
      peers: Object.fromEntries(nodes.map((id) => [id, count((peer) => peer.node === id)])),
      reconnecting: count(({ state }) => state !== "joined"),
      signalsPerSecond: signals.received - seenReceived,
      lost: signals.lost,
      alerts: result.alerts.map(({ name }) => name),
    });
    seenReceived = signals.received;
  }

  const monitors = [
    everySecond(async () => noteAlerts(await access.firingAlerts(), result.alerts)),
    everySecond(show),
    everySecond(async () => progress.observe(observationOf(run, injection, await access.report(callers, at)))),
  ];
  return {
    async close() {
      await Promise.all(monitors.map((monitor) => monitor.close()));
    },
  };
}
