import type { ReceivedAlert } from "../../common/calls.ts";
import { openRecord } from "../record/record.ts";
import { awaitAlert } from "../stack/alerts-received.ts";
import { HttpError } from "../stack/http.ts";
import { mark } from "../stack/marks.ts";
import type { Stack } from "../stack/open-stack.ts";
import { pause } from "../wait/pause.ts";
import type { ProvokeContext } from "./provocation.ts";
import { provocations } from "./provocations.ts";

/** The name of a mark: `signaling-replica-down` for `SignalingReplicaDown`. */
const kebab = (alert: string) => alert.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();

/**
 * Raises an alert and waits until it has reached the webhook. Load and signals continue until `signal` is aborted or
 * `make heal` ends the provocation.
 *
 * @param act carries out a chaos action on this stack
 * @param fired called once, with the received alert, or undefined if none came in time
 */
export async function provoke(
  stack: Stack,
  alert: string,
  { act, signal }: Pick<ProvokeContext, "act" | "signal">,
  fired: (received: ReceivedAlert | undefined, afterMs: number) => void,
): Promise<void> {
  const provocation = provocations[alert];
  if (provocation === undefined) throw new Error(`no provocation of ${alert}`);
  const { endpoints } = stack.engine;
  const record = openRecord(stack.state.dir);
  const notes = new Map<string, string>();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const context = { stack, act, notes, signal: ended };
  record.saveProvocation(alert, notes);
  await mark("PUT", endpoints, "provoke", kebab(alert));
  const since = Date.now();
  try {
    await provocation.begin(context);
  } catch (error) {
    // The provocation is half begun, so its first steps are undone.
    record.saveProvocation(alert, notes);
    await endProvocations(stack);
    throw error;
  }
  record.saveProvocation(alert, notes);
  const watching = awaitAlert(
    endpoints.callerAdmin,
    { name: alert, status: "firing", since, withinMs: provocation.withinSeconds * 1_000 },
    ended,
  ).then((received) => fired(received, (received?.at ?? Date.now()) - since));
  while (provocation.goOn !== undefined && !ended.aborted) {
    await provocation.goOn(context);
    if (record.read().provocations[alert] === undefined) over.abort();
  }
  await watching;
}

/** Undoes every provocation on record, or one of them. `heal` undoes its chaos actions. */
export async function endProvocations(stack: Stack): Promise<string[]> {
  const record = openRecord(stack.state.dir);
  const done: string[] = [];
  for (const alert of Object.keys(record.read().provocations)) {
    // Removed first: the process that repeats the provocation notices that and stops.
    const notes = record.endProvocation(alert);
    if (notes === undefined) continue;
    await pause(provocations[alert]?.goOn === undefined ? 0 : 1_500);
    try {
      await provocations[alert]?.end?.({ stack, notes });
      done.push(`ended the provocation of ${alert}`);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      done.push(`warning: the provocation of ${alert} is not completely undone: ${error.message}`);
    }
    const warning = await mark("DELETE", stack.engine.endpoints, "provoke", kebab(alert));
    if (warning !== undefined) done.push(`warning: ${warning}`);
  }
  return done;
}
