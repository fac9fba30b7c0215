import { z } from "zod";
import { AdminError } from "../../common/admin-access.ts";
import type { AdminRoutes } from "../../common/admin-server.ts";
import type { ActionMark, DrillMark } from "../../common/pulse.ts";
import type { Metrics } from "./metrics.ts";

/** Marks name actions, services and drills. No other text may become a label. */
const name = /^[a-z0-9][a-z0-9-]{0,63}$/;

const Progress = z.object({
  claim: z.string().max(400).default(""),
  phase: z.string().max(200).default(""),
  expectations: z
    .array(
      z.object({
        name: z.string().max(100),
        bound: z.string().max(100),
        measured: z.number().nullable(),
        unit: z.string().max(20),
        ok: z.boolean().nullable(),
      }),
    )
    .max(40)
    .default([]),
  sealed: z.string().max(1_000).optional(),
});

/**
 * The marks of chaos actions and drills, which the ops program sets by `PUT` and clears by `DELETE`. They are kept for
 * the board, and as the gauges `chaos_action_active` and `chaos_drill_active` for the dashboards.
 */
export function createMarks({ chaosAction, chaosDrill }: Metrics, now: () => number = Date.now) {
  const actions = new Map<string, ActionMark>();
  const drills = new Map<string, DrillMark>();
  const routes: AdminRoutes = {
    "PUT /marks/action/:action/:target": ({ params }) => {
      const [action, target] = [known(params["action"]), known(params["target"])];
      chaosAction.set({ action, target }, 1);
      const key = `${action} ${target}`;
      if (!actions.has(key)) actions.set(key, { action, target, since: now() });
      return { status: 204 };
    },
    "DELETE /marks/action/:action/:target": ({ params }) => {
      const [action, target] = [known(params["action"]), known(params["target"])];
      chaosAction.set({ action, target }, 0);
      actions.delete(`${action} ${target}`);
      return { status: 204 };
    },
    "PUT /marks/drill/:name": ({ params, body }) => {
      const drill = known(params["name"]);
      const progress = Progress.parse(body ?? {});
      chaosDrill.set({ drill }, 1);
      drills.set(drill, { name: drill, since: drills.get(drill)?.since ?? now(), ...progress });
      return { status: 204 };
    },
    "DELETE /marks/drill/:name": ({ params }) => {
      const drill = known(params["name"]);
      chaosDrill.set({ drill }, 0);
      drills.delete(drill);
      return { status: 204 };
    },
  };
  return { routes, list: () => ({ actions: [...actions.values()], drills: [...drills.values()] }) };
}

export type Marks = ReturnType<typeof createMarks>;

function known(word: string | undefined): string {
  if (word === undefined || !name.test(word))
    throw new AdminError(400, `not a name for a mark: ${word} (a-z, 0-9 and -, 64 at most)`);
  return word;
}
