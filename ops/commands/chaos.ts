import { parseArgs } from "node:util";
import { runAction } from "../chaos/actions.ts";
import { chooseTarget } from "../chaos/target.ts";
import { verbs } from "../chaos/verbs.ts";
import { type Command, UsageError } from "../command.ts";
import { heal } from "../heal/heal.ts";
import { openRecord } from "../record/record.ts";
import { runnerLives } from "../record/runner-lives.ts";
import { rollBack } from "../runner/rollback.ts";

/** `chaos kill signaling-2`: one action on one target, and what to watch. */
export const chaos: Command = {
  usage: `${[...Object.keys(verbs), "heal"].join("|")} [signaling-2|2|redis|redis-2|sentinel-1|proxy|proxy-2|balancer] [--ms 200] [--jitter 50]`,
  summary: "break one thing on purpose; without a target, the busiest replica",
  needsStack: true,
  async run({ stack, print }, args) {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { ms: { type: "string" }, jitter: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const [action, given, ...rest] = positionals;
    if (action === undefined || rest.length > 0) throw new UsageError(`usage: chaos ${chaos.usage}`);
    if (action === "heal") {
      const only = given === undefined ? undefined : (await chooseTarget(stack, action, given)).target;
      const left = only === undefined ? openRecord(stack.state.dir).read().drill : null;
      // In a game day the trainee heals. The game notices and counts it.
      const game = left?.drill === "game-day" && runnerLives(left);
      if (left !== null && runnerLives(left) && !game)
        throw new UsageError(`the drill ${left.drill} runs (pid ${left.pid}) and heals itself: Ctrl-C ends it`);
      if (left === null || game) await heal(stack, { only, tell: print });
      else await rollBack(stack, left, print);
      print(`${given ?? "the stack"} is at steady state`);
      return 0;
    }
    if (verbs[action] === undefined)
      throw new UsageError(`no such action: ${action} (${Object.keys(verbs).join(", ")}, heal)`);
    const { target, because } = await chooseTarget(stack, action, given);
    if (because !== undefined && !values.json) print(`${target}: ${because}`);
    const result = await runAction(stack, action, target, {
      ...(values.ms === undefined ? {} : { latencyMs: milliseconds("--ms", values.ms) }),
      ...(values.jitter === undefined ? {} : { jitterMs: milliseconds("--jitter", values.jitter) }),
    });
    if (values.json) {
      print(JSON.stringify(result));
      return 0;
    }
    print(
      result.changed ? `$ ${result.typed}` : `${target} already is in that state; nothing done ($ ${result.typed})`,
    );
    for (const warning of result.warnings) print(`warning: ${warning}`);
    print(`watch: ${result.watch}`);
    return 0;
  },
};

function milliseconds(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 60_000))
    throw new UsageError(`${option} ${text}: must be milliseconds from 0 to 60000`);
  return value;
}
