import type { CallsRequest } from "../../common/calls.ts";
import { awaitCalls } from "../stack/await-calls.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { ProvokeContext } from "./provocation.ts";

/** Calls on WebSockets without media. They are cheap, and their tunnels count. */
const plain: Partial<CallsRequest> = {
  rate: 20,
  signalsPerSecond: 1,
  webrtcEvery: 0,
  mix: { default: 0, websocket: 1, polling: 0, cookieless: 0 },
};

/** Holds `calls` calls until {@link endLoad}; resolves when all are set up. */
export async function beginLoad({ stack, notes }: ProvokeContext, calls: number): Promise<void> {
  const { callerAdmin } = stack.engine.endpoints;
  const { run } = await changeAdmin<{ run: string }>(stack.engine.endpoints, "POST", `${callerAdmin}/calls`, {
    ...plain,
    calls,
  });
  notes.set("run", run);
  await awaitCalls(callerAdmin, run, calls);
}

/** Ends the calls of {@link beginLoad}; a restarted caller has none. */
export async function endLoad({ stack, notes }: Pick<ProvokeContext, "stack" | "notes">): Promise<void> {
  const run = notes.get("run");
  if (run === undefined) return;
  try {
    await changeAdmin(
      stack.engine.endpoints,
      "DELETE",
      `${stack.engine.endpoints.callerAdmin}/calls/${run}`,
      {},
      10_000,
    );
  } catch (error) {
    if (!(error instanceof HttpError && error.status === 404)) throw error;
  }
}
