import type { Backplane } from "./backplane/backplane.ts";

/** Longest wait: a backplane that is down brings nothing back. */
const limitMs = 3_000;

/**
 * A round trip through the backplane: what this replica said before it has been handed to the others when it is over.
 * Resolves after 3 s at the latest, whether it came back or not.
 */
export async function createRoundTrip(backplane: Backplane, nodeId: string): Promise<() => Promise<void>> {
  const channel = `hold-the-line:round-trip:${nodeId}`;
  const waiting = new Map<string, () => void>();
  let sequence = 0;
  await backplane.subscribe(channel, (payload) => waiting.get(payload)?.());
  return () =>
    new Promise<void>((resolve) => {
      const token = String(++sequence);
      const done = () => {
        clearTimeout(timer);
        waiting.delete(token);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      waiting.set(token, done);
      // Not sent: nobody can be told anything, so there is nothing to wait for.
      backplane.publish(channel, token).catch(done);
    });
}
