import { AdminError } from "../../common/admin-access.ts";
import type { AdminRoutes } from "../../common/admin-server.ts";
import type { Metrics } from "./metrics.ts";

/** Marks name actions, services and drills: nothing else may become a label. */
const name = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** `PUT` and `DELETE` of marks, kept as the gauges `chaos_action_active` and `chaos_drill_active`. */
export function markRoutes({ chaosAction, chaosDrill }: Metrics): AdminRoutes {
  const action = (value: 0 | 1): AdminRoutes[string] => {
    return ({ params }) => {
      chaosAction.set({ action: known(params["action"]), target: known(params["target"]) }, value);
      return { status: 204 };
    };
  };
  const drill = (value: 0 | 1): AdminRoutes[string] => {
    return ({ params }) => {
      chaosDrill.set({ drill: known(params["name"]) }, value);
      return { status: 204 };
    };
  };
  return {
    "PUT /marks/action/:action/:target": action(1),
    "DELETE /marks/action/:action/:target": action(0),
    "PUT /marks/drill/:name": drill(1),
    "DELETE /marks/drill/:name": drill(0),
  };
}

function known(word: string | undefined): string {
  if (word === undefined || !name.test(word))
    throw new AdminError(400, `not a name for a mark: ${word} (a-z, 0-9 and -, 64 at most)`);
  return word;
}
