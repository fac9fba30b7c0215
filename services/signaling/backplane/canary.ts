import type { Log } from "../../../common/log.ts";
import type { Metrics } from "../metrics.ts";

/** A canary is sent this often, ms. */
const everyMs = 1_000;
/** One that is not back after this long says that the backplane is down, ms. */
const backWithinMs = 2_000;
/** A replica counts as a backplane peer while it was heard within this time, ms. */
const heardWithinMs = 3_000;

/**
 * Sends this replica's canary through the backplane every second and judges the backplane by its return: a client's
 * own `isReady` is no proof. The canaries of all replicas are their heartbeats.
 */
export function createCanary(
  { nodeId, log, metrics }: { nodeId: string; log: Log; metrics: Metrics },
  send: (payload: string) => Promise<void>,
) {
  const heard = new Map<string, number>();
  const changeListeners: ((up: boolean) => void)[] = [];
  const heartbeatListeners: ((nodeId: string) => void)[] = [];
  let lastBackAt = performance.now();
  let up = true;
  let sequence = 0;
  let sentAt = 0;
  metrics.backplaneUp.set(1);

  function judge(): void {
    const now = performance.now();
    const isUp = now - lastBackAt <= backWithinMs;
    for (const [node, at] of heard) if (now - at > heardWithinMs) heard.delete(node);
    metrics.backplanePeers.set([...heard.keys()].filter((node) => node !== nodeId).length);
    if (isUp === up) return;
    up = isUp;
    metrics.backplaneUp.set(up ? 1 : 0);
    if (up) log.info("backplane is back: the canary returned");
    else log.error(`backplane is down: no canary for ${backWithinMs} ms`);
    for (const listener of changeListeners) listener(up);
  }

  const sending = setInterval(() => {
    sequence += 1;
    sentAt = performance.now();
    send(`${nodeId} ${sequence}`).catch((err: unknown) => log.debug({ err }, "canary not sent"));
  }, everyMs);
  // Judged more often than sent, so that a loss shows at 2 s and not at the next whole second.
  const judging = setInterval(judge, everyMs / 5);

  return {
    /** A canary arrived. */
    receive(payload: string): void {
      const [node = "", number] = payload.split(" ");
      if (node === nodeId) {
        lastBackAt = performance.now();
        if (Number(number) === sequence) metrics.backplaneCanary.set((lastBackAt - sentAt) / 1000);
        judge();
      }
      heard.set(node, performance.now());
      for (const listener of heartbeatListeners) listener(node);
    },
    up: () => up,
    onChange: (listener: (up: boolean) => void) => void changeListeners.push(listener),
    onHeartbeat: (listener: (nodeId: string) => void) => void heartbeatListeners.push(listener),
    close(): void {
      clearInterval(sending);
      clearInterval(judging);
    },
  };
}
