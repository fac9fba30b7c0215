import type { CallsReport } from "../../common/calls.ts";
import { until } from "../wait/until.ts";
import { askAdmin } from "./http.ts";

/**
 * Waits until every call of a run of the caller is set up.
 *
 * @throws Error after `withinMs`, with the number of established calls
 */
export async function awaitCalls(callerAdmin: string, run: string, calls: number, withinMs = 30_000): Promise<void> {
  let established = 0;
  const all = await until(
    async () => {
      ({ established } = (await askAdmin<CallsReport>(`${callerAdmin}/calls/${run}`)).calls);
      return established === calls;
    },
    { withinMs },
  );
  if (all === undefined)
    throw new Error(`${established} of ${calls} calls are set up after ${withinMs / 1000} s: make status`);
}
