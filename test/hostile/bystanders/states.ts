import type { BystanderSettings } from "./protocol.ts";

const everyMs = 200;
/** Time-out of a replica's readiness, ms. */
const withinMs = 2_000;

/** Polls the proxy's table and each replica's readiness. */
export function watchStates({ proxyAdminUrl, adminUrls }: BystanderSettings) {
  const seen: { at: number; notReady: string[] }[] = [];

  const ask = async (url: string): Promise<unknown> => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
    return answer.json();
  };
  async function tableProblems(): Promise<string[]> {
    const rows = (await ask(`${proxyAdminUrl}/replicas`)) as { id: string; state: string }[];
    if (rows.length !== adminUrls.length) return [`proxy: ${rows.length} replicas`];
    return rows.filter(({ state }) => state !== "ready").map(({ id, state }) => `proxy: ${id} is ${state}`);
  }
  async function replicaProblems(url: string): Promise<string[]> {
    const { node, state } = (await ask(`${url}/readyz`)) as { node: string; state: string };
    return state === "ready" ? [] : [`${node}: ${state}`];
  }
  const told = (who: string) => (error: Error) => [`${who}: ${error.message}`];

  setInterval(async () => {
    const at = performance.now();
    const problems = await Promise.all([
      tableProblems().catch(told("proxy")),
      ...adminUrls.map((url) => replicaProblems(url).catch(told(url))),
    ]);
    seen.push({ at, notReady: problems.flat() });
  }, everyMs);

  return {
    since(from: number): { notReady: string[]; samples: number } {
      const samples = seen.filter(({ at }) => at >= from);
      return { notReady: [...new Set(samples.flatMap(({ notReady }) => notReady))], samples: samples.length };
    },
  };
}
