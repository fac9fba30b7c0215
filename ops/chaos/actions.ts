import { isNats } from "../nats/ids.ts";
import { openRecord } from "../record/record.ts";
import { isRedis, isSentinel } from "../redis/ids.ts";
import { CannotError } from "../stack/engine.ts";
import { mark } from "../stack/marks.ts";
import type { Stack } from "../stack/open-stack.ts";
import { isProxy } from "../stack/proxy-id.ts";
import { isReplica } from "../stack/replica-id.ts";
import { registerReplicas } from "../stack/scale.ts";
import { type TargetKind, type VerbOptions, verbs } from "./verbs.ts";

export interface ActionResult {
  action: string;
  target: string;
  /** False if the target was in that state already. */
  changed: boolean;
  /** The equivalent command for an operator. */
  typed: string;
  watch: string;
  /** Failures besides the action itself. */
  warnings: string[];
}

const listed = new Intl.ListFormat("en-GB");

/**
 * Carries out one chaos action. It makes all checks before the first change. A repeated action changes nothing.
 *
 * @throws CannotError with one line if the action, the target or their combination is not possible
 */
export async function runAction(
  stack: Stack,
  action: string,
  target: string,
  options: VerbOptions = {},
): Promise<ActionResult> {
  const verb = verbs[action];
  if (verb === undefined) throw new CannotError(`no such action: ${action} (${Object.keys(verbs).join(", ")}, heal)`);
  const { engine } = stack;
  const targets = (await engine.services()).map((service) => service.id).filter((id) => kindOf(id) !== undefined);
  if (targets.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
  if (!targets.includes(target)) throw new CannotError(`no such target: ${target} (${targets.join(", ")})`);
  const kind = kindOf(target);
  if (kind === undefined || !verb.targets.includes(kind))
    throw new CannotError(
      `${action} works on ${listed.format(verb.targets)}, not on ${target}${verb.instead === undefined ? "" : `: ${verb.instead}`}`,
    );

  const record = openRecord(stack.state.dir);
  const before = record.read().actions;
  const marked = verb.holds === true && options.hidden !== true;
  if (marked) record.beginAction(action, target);
  const warnings: string[] = [];
  const note = (warning: string | undefined) => {
    if (warning !== undefined) warnings.push(warning);
  };
  try {
    const { changed, typed } = await verb.act(engine, target, options);
    // A restarted proxy has only its configured table, so the added replicas are registered again.
    if (kind === "proxy" && ["start", "restart"].includes(action)) await registerReplicas(stack);
    if (marked) note(await mark("PUT", engine.endpoints, action, target));
    for (const ended of record.endActions(
      (entry) => entry.target === target && (verb.ends ?? []).includes(entry.action),
    ))
      note(await mark("DELETE", engine.endpoints, ended.action, target));
    return { action, target, changed, typed, watch: verb.watch(target), warnings };
  } catch (error) {
    // The action was refused before the first change, so the record needs no entry.
    if (error instanceof CannotError && !before.some((entry) => entry.action === action && entry.target === target))
      record.endActions((entry) => entry.action === action && entry.target === target);
    throw error;
  }
}

function kindOf(id: string): TargetKind | undefined {
  if (isReplica(id)) return "replica";
  if (isProxy(id)) return "proxy";
  if (isRedis(id)) return "redis";
  if (isSentinel(id)) return "sentinel";
  if (isNats(id)) return "nats";
  return id === "balancer" ? id : undefined;
}
