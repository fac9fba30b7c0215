import type { ActionMark } from "../../common/pulse.ts";

const undoing: Readonly<Record<string, string>> = { kill: "start", pause: "resume", drain: "undrain" };

/**
 * The command that undoes a fault: the action's own undo command if there is one, else `make heal`, which undoes
 * everything.
 */
export function undoOf({ action, target }: Pick<ActionMark, "action" | "target">, make: string): string {
  const verb = undoing[action];
  if (verb === undefined) return `${make} heal`;
  const [, kind = "", number] = /^(signaling|proxy|redis|nats)-(\d+)$/.exec(target) ?? [];
  if (target.startsWith("sentinel-")) return `${make} heal`;
  if (number === undefined) return `${make} ${verb}-${target}`;
  if (kind === "signaling") return `${make} ${verb}-node NODE=${number}`;
  return `${make} ${verb}-${kind} ${kind === "proxy" ? "PROXY" : "SERVER"}=${number}`;
}
