import type { Log } from "../../../../common/log.ts";
import type { Config } from "../../config.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { nodeTarget, type RedisTarget, redisTarget } from "./redis-target.ts";

/** A Sentinel that does not answer in this time has no vote, ms. */
const answerWithinMs = 500;
/** How often the Sentinels are asked while there is a connection, ms. */
const askEveryMs = 1_000;
/** A master is confirmed for this time after more than half of the Sentinels named it, ms. */
const confirmedForMs = 2_500;

/** Finds the Redis to connect to. */
export interface MasterFinder {
  /**
   * The server to connect to now. With Sentinels it is the one that most of them name, and they are asked until the
   * scope ends. Rejects when no Sentinel names one.
   */
  find(scope: ConnectionScope): Promise<RedisTarget>;
  /** Whether more than half of the Sentinels named the server lately. Without Sentinels always true. */
  confirmed(): boolean;
  /** Calls the listener, each second, while more than half of the Sentinels name another server than the last found. */
  onMoved(listener: (reason: string) => void): void;
}

/**
 * Finds the Redis of `REDIS_URL`, or the master that the Sentinels of `REDIS_SENTINELS` name
 * (redis.io/docs/latest/develop/reference/sentinel-clients).
 */
export function createMasterFinder(config: Config, log: Log): MasterFinder {
  const target = redisTarget(config);
  const { REDIS_SENTINELS: sentinels = [], REDIS_MASTER_NAME: name } = config;
  if (sentinels.length === 0) return { find: async () => target, confirmed: () => true, onMoved: () => undefined };
  const movedListeners: ((reason: string) => void)[] = [];
  let confirmedAt = Number.NEGATIVE_INFINITY;
  const asSentinel = redisTarget({
    REDIS_URL: sentinels,
    REDIS_USERNAME: config.REDIS_SENTINEL_USERNAME,
    REDIS_PASSWORD: config.REDIS_SENTINEL_USERNAME === undefined ? undefined : config.REDIS_SENTINEL_PASSWORD,
  });

  /** `host port` of the master in one Sentinel's view. A connection for each question: none can go stale. */
  async function ask(url: string): Promise<string> {
    const client = asSentinel.createClient(url);
    // The question rejects with the same error.
    client.on("error", (err: Error) => log.debug({ err, url }, "the connection to a Sentinel failed"));
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const patience = setTimeout(
      () => reject(new Error(`${url} did not answer in ${answerWithinMs} ms`)),
      answerWithinMs,
    );
    async function question(): Promise<string> {
      await client.connect();
      const address = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
      if (address === null) throw new Error(`no master is named ${name} (REDIS_MASTER_NAME)`);
      return (address as unknown as string[]).join(" ");
    }
    try {
      return await Promise.race([question(), tooLate]);
    } finally {
      clearTimeout(patience);
      if (client.isOpen) client.destroy();
    }
  }

  /** The address that most Sentinels name, and how many do. @throws the reason of one if none names any */
  async function vote(): Promise<{ address: string; votes: number }> {
    const answers = await Promise.allSettled(sentinels.map(ask));
    const votes = new Map<string, number>();
    for (const answer of answers)
      if (answer.status === "fulfilled") votes.set(answer.value, (votes.get(answer.value) ?? 0) + 1);
    const [most] = [...votes].sort(([, a], [, b]) => b - a);
    if (most !== undefined) return { address: most[0], votes: most[1] };
    const reason = answers.find((answer) => answer.status === "rejected")?.reason as Error;
    throw new Error(`no Sentinel names a master (REDIS_SENTINELS): ${reason.message}`);
  }

  async function watch(scope: ConnectionScope, address: string): Promise<void> {
    try {
      const now = await vote();
      if (scope.signal.aborted || now.votes <= sentinels.length / 2) return;
      if (now.address === address) confirmedAt = performance.now();
      else for (const listener of movedListeners) listener(`the Sentinels name another master: ${now.address}`);
    } catch (err) {
      log.debug({ err }, "no Sentinel answers: the replica keeps its master");
    }
  }

  return {
    confirmed: () => performance.now() - confirmedAt < confirmedForMs,
    onMoved: (listener) => void movedListeners.push(listener),
    async find(scope) {
      const { address, votes } = await vote();
      if (votes > sentinels.length / 2) confirmedAt = performance.now();
      const watching = setInterval(() => void watch(scope, address), askEveryMs);
      scope.signal.addEventListener("abort", () => clearInterval(watching), { once: true });
      const [host = "", port = ""] = address.split(" ");
      return nodeTarget({ ...target, urls: asSentinel.urls }, host, Number(port));
    },
  };
}
