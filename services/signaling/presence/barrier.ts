import type { Log } from "../../../common/log.ts";
import type { Backplane } from "../backplane/backplane.ts";

/** Longest wait, ms, because a backplane that is down returns no answer. */
const limitMs = 3_000;
/**
 * A replica that starts waits this long for those that listen but do not answer, ms: a heartbeat comes every second.
 */
const censusMs = 1_200;
/** A replica without a heartbeat for this time is not waited for, ms. */
const heardWithinMs = 2_500;

const callChannel = "hold-the-line:barrier";
const answerChannel = (nodeId: string) => `hold-the-line:barrier:${nodeId}`;

/**
 * A barrier across the backplane. Every known replica answers a call. The messages of one connection arrive in order.
 * So once all have answered, all have this replica's messages from before its call, and this replica has theirs from
 * before their answers. (On several shards channels have no common order. There the barrier only shows that all
 * replicas are alive.)
 */
export async function createBarrier(backplane: Backplane, nodeId: string, log: Log) {
  const heardAt = new Map<string, number>();
  /** By call: the replicas that have answered, whether that is enough, and what to do then. */
  const waiting = new Map<
    string,
    { answered: Set<string>; isDone: (answered: ReadonlySet<string>) => boolean; done: () => void }
  >();
  let calls = 0;
  backplane.onHeartbeat((node) => void heardAt.set(node, performance.now()));

  function answeredBy(call: string, node: string): void {
    const one = waiting.get(call);
    one?.answered.add(node);
    if (one?.isDone(one.answered) === true) one.done();
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

  function ask(withinMs: number, isDone: (answered: ReadonlySet<string>) => boolean): Promise<ReadonlySet<string>> {
    return new Promise((resolve) => {
      const call = String(++calls);
      const answered = new Set<string>();
      const done = () => {
        clearTimeout(timer);
        waiting.delete(call);
        resolve(answered);
      };
      const timer = setTimeout(done, withinMs);
      waiting.set(call, { answered, isDone, done });
      // The call was not sent, so no replica can be informed and there is nothing to wait for.
      backplane.publish(callChannel, `${nodeId} ${call}`).catch(done);
    });
  }

  return {
    /** Resolves when every replica that is heard of has answered, or after 3 s. */
    async pass(): Promise<void> {
      const now = performance.now();
      const others = [...heardAt].filter(([, at]) => now - at < heardWithinMs).map(([node]) => node);
      const missing = [nodeId, ...others];
      await ask(limitMs, (answered) => missing.every((node) => answered.has(node)));
    },
    /** The other replicas: all that listen at the backplane, as far as they answer within 1.2 s. */
    async whoIsThere(): Promise<ReadonlySet<string>> {
      if (!backplane.up()) return new Set();
      const count = await backplane.listeners(callChannel);
      const answered = await ask(censusMs, ({ size }) => size >= count);
      return new Set([...answered].filter((node) => node !== nodeId));
    },
  };
}

/** Node id and number of a call. Throws for an invalid one, which the backplane drops and counts. */
function parse(payload: string): [nodeId: string, call: string] {
  const match = /^([a-z0-9][a-z0-9-]{0,62}) (\d{1,15})$/.exec(payload);
  if (match === null) throw new TypeError("no call of a barrier");
  return [match[1] as string, match[2] as string];
}
