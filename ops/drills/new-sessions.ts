import type { CallsReport } from "../../common/calls.ts";
import { awaitCalls } from "../await-calls.ts";
import { callAdmin } from "../http.ts";

/** Places 40 new calls, and returns the share of their peers that `id` got, in percent. */
export async function newSessions(callerAdmin: string, id: string): Promise<number> {
  const calls = 40;
  const { run } = await callAdmin<{ run: string }>("POST", `${callerAdmin}/calls`, {
    ...{ calls, rate: 40, webrtcEvery: 0, seed: Date.now() % 1_000_000 },
  });
  try {
    await awaitCalls(callerAdmin, run, calls);
    const { peers } = await callAdmin<CallsReport>("GET", `${callerAdmin}/calls/${run}`);
    return (100 * peers.filter(({ node }) => node === id).length) / peers.length;
  } finally {
    await callAdmin("DELETE", `${callerAdmin}/calls/${run}`, undefined, 15_000);
  }
}
