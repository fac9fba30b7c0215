import type { Engine, ServiceId } from "../stack/engine.ts";

/** Time-out of one server's answer, ms. */
const answerWithinMs = 3_000;

/** The lines that a Redis server or Sentinel answers; none if it does not answer in time. */
export async function askRedis(engine: Engine, server: ServiceId, args: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of engine.redisCli(args, AbortSignal.timeout(answerWithinMs), server)) lines.push(line);
  return lines;
}
