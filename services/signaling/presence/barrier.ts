import type { Log } from "../../../common/log.ts";
import type { Backplane } from "../backplane/backplane.ts";

/** Longest wait, ms: a backplane that is down brings nothing back. */
const limitMs = 3_000;
/** A replica that was not heard for so long is not waited for, ms. */
const heardWithinMs = 2_500;

const callChannel = "hold-the-line:barrier";
const answerChannel = (nodeId: string) => `hold-the-line:barrier:${nodeId}`;

/**
 * A barrier across the backplane. Every replica that is heard of answers a call; what one connection publishes arrives
 * in order, so once all have answered, what this replica said before its call is known everywhere, and what the others
 * sent before their answers has arrived here. (On several shards channels have no common order; there it says no more
 * than that all are alive.)
 *
 * The function resolves after 3 s at the latest, whoever has answered or not.
 */
export async function createBarrier(backplane: Backplane, nodeId: string, log: Log): Promise<() => Promise<void>> {
  const heardAt = new Map<string, number>();
  /** By call: the replicas that have not answered, and what to do when all have. */
  const waiting = new Map<string, { missing: Set<string>; done: () => void }>();
  let calls = 0;
  backplane.onHeartbeat((node) => void heardAt.set(node, performance.now()));

  function answeredBy(call: string, node: string): void {
    const one = waiting.get(call);
    one?.missing.delete(node);
    if (one?.missing.size === 0) one.done();
  }

  await backplane.subscribe(callChannel, (payload) => {
    const [from, call] = parse(payload);
    if (from === nodeId) answeredBy(call, nodeId);
    // Not sent: the caller's limit ends its wait.
    else
      backplane
        .publish(answerChannel(from), `${nodeId} ${call}`)
        .catch((err: unknown) => log.debug({ err, from }, "a barrier's call was not answered"));
  });
  await backplane.subscribe(answerChannel(nodeId), (payload) => {
    const [node, call] = parse(payload);
    answeredBy(call, node);
  });

  return () =>
    new Promise<void>((resolve) => {
      const call = String(++calls);
      const now = performance.now();
      const others = [...heardAt].filter(([, at]) => now - at < heardWithinMs).map(([node]) => node);
      const done = () => {
        clearTimeout(timer);
        waiting.delete(call);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      waiting.set(call, { missing: new Set([nodeId, ...others]), done });
      // Not sent: nobody can be told anything, so there is nothing to wait for.
      backplane.publish(callChannel, `${nodeId} ${call}`).catch(done);
    });
}

/** Node id and number of a call. Throws for what is none, which the backplane drops and counts. */
function parse(payload: string): [nodeId: string, call: string] {
  const match = /^([a-z0-9][a-z0-9-]{0,62}) (\d{1,15})$/.exec(payload);
  if (match === null) throw new TypeError("no call of a barrier");
  return [match[1] as string, match[2] as string];
}
