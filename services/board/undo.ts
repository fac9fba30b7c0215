import type { ActionMark } from "../../common/pulse.ts";

const undoing: Readonly<Record<string, string>> = { kill: "start", pause: "resume", drain: "undrain" };

/**
 * The command that undoes a fault: the action's own undo command if there is one, else `make heal`, which undoes
 * everything.
 */
export function undoOf({ action, target }: Pick<ActionMark, "action" | "target">, make: string): string {
  const verb = undoing[action];
  if (verb === undefined) return `${make} heal`;
  const [, number] = /^signaling-(\d+)$/.exec(target) ?? [];
  return number === undefined ? `${make} ${verb}-${target}` : `${make} ${verb}-node NODE=${number}`;
}
