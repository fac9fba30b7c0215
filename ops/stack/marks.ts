import type { Endpoints } from "./engine.ts";
import { changeAdmin, HttpError } from "./http.ts";

/**
 * Sets or clears `chaos_action_active{action,target}` at the caller, which exports it for the dashboards.
 *
 * @returns the reason if the mark could not be set. Chaos actions also work while the caller is down.
 */
export async function mark(
  method: "PUT" | "DELETE",
  endpoints: Endpoints,
  action: string,
  target: string,
): Promise<string | undefined> {
  try {
    await changeAdmin(endpoints, method, `${endpoints.callerAdmin}/marks/action/${action}/${target}`, {}, 1_000);
    return undefined;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return `no mark on the dashboards: ${error.message.replace(/\/marks\/\S*/, "/marks")}`;
  }
}
