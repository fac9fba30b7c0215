import type { CallsReport } from "../../common/calls.ts";
import { pause } from "../wait/pause.ts";
import { askAdmin } from "./http.ts";

/**
 * Waits until every call of a run of the caller is set up.
 *
 * @throws after `withinMs`, with how many are
 */
export async function awaitCalls(callerAdmin: string, run: string, calls: number, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const report = await askAdmin<CallsReport>(`${callerAdmin}/calls/${run}`);
    if (report.calls.established === calls) return;
    if (performance.now() > deadline)
      throw new Error(
        `${report.calls.established} of ${calls} calls are set up after ${withinMs / 1000} s: make status`,
      );
    await pause(250);
  }
}
