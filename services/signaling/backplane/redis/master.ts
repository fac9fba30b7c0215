import type { Config } from "../../config.ts";
import type { ConnectionScope } from "./reconnector.ts";
import { nodeTarget, type RedisClient, type RedisTarget, redisTarget } from "./redis-target.ts";

/** A Sentinel that does not answer in this time has no vote, ms. */
const answerWithinMs = 500;
/** How often the Sentinels are asked while there is a connection, ms. */
const askEveryMs = 1_000;

/** Finds the Redis to connect to. */
export interface MasterFinder {
  /**
   * The server to connect to now. With Sentinels it is the one that most of them name, and the scope ends when more than
   * half of them name another. Rejects when no Sentinel names one.
   */
  find(scope: ConnectionScope): Promise<RedisTarget>;
}

/** REDIS_URL, or the master that the Sentinels of REDIS_SENTINELS name (redis.io/docs/latest/develop/reference/sentinel-clients). */
export function createMasterFinder(config: Config): MasterFinder {
  const target = redisTarget(config);
  const [first] = config.REDIS_SENTINELS ?? [];
  if (first === undefined) return { find: async () => target };
  const sentinels = config.REDIS_SENTINELS ?? [];
  const clients = new Map<string, Promise<RedisClient>>();
  const asSentinel = redisTarget({ REDIS_URL: sentinels, REDIS_USERNAME: undefined, REDIS_PASSWORD: undefined });

  async function connect(url: string): Promise<RedisClient> {
    const client = asSentinel.createClient(url);
    client.on("error", () => {
      clients.delete(url);
      client.destroy();
    });
    await client.connect();
    return client;
  }

  /** `host port` of the master in one Sentinel's view. */
  async function ask(url: string): Promise<string> {
    const asked = clients.get(url) ?? connect(url);
    clients.set(url, asked);
    const late = AbortSignal.timeout(answerWithinMs);
    const tooLate = new Promise<never>((_, reject) => late.addEventListener("abort", () => reject(late.reason)));
    try {
      const client = await Promise.race([asked, tooLate]);
      const command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", config.REDIS_MASTER_NAME];
      const address = (await Promise.race([client.sendCommand(command), tooLate])) as unknown as string[] | null;
      if (address === null) throw new Error(`no master is named ${config.REDIS_MASTER_NAME} (REDIS_MASTER_NAME)`);
      return address.join(" ");
    } catch (error) {
      clients.delete(url);
      asked.then((client) => client.isOpen && client.destroy()).catch(() => undefined);
      throw error;
    }
  }

  /** The address that most Sentinels name, and how many do. @throws the reason of one where none names any */
  async function vote(): Promise<{ address: string; votes: number }> {
    const answers = await Promise.allSettled(sentinels.map(ask));
    const votes = new Map<string, number>();
    for (const answer of answers)
      if (answer.status === "fulfilled") votes.set(answer.value, (votes.get(answer.value) ?? 0) + 1);
    const [most] = [...votes].sort(([, a], [, b]) => b - a);
    if (most !== undefined) return { address: most[0], votes: most[1] };
    const reason = answers.find((answer) => answer.status === "rejected")?.reason as Error;
    throw new Error(`no Sentinel names a master: ${reason.message}`);
  }

  return {
    async find(scope) {
      const { address } = await vote();
      const watching = setInterval(() => {
        vote().then(
          (now) => {
            if (now.address !== address && now.votes > sentinels.length / 2)
              scope.abort(new Error(`the Sentinels name another master: ${now.address}`));
          },
          // Without Sentinels the master that is there is kept.
          () => undefined,
        );
      }, askEveryMs);
      scope.signal.addEventListener("abort", () => clearInterval(watching), { once: true });
      const [host = "", port] = address.split(" ");
      return nodeTarget({ ...target, urls: [first] }, host, Number(port));
    },
  };
}
