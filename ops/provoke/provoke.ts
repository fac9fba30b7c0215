import type { ReceivedAlert } from "../../common/calls.ts";
import { awaitAlert } from "../stack/alerts-received.ts";
import { HttpError } from "../stack/http.ts";
import { mark } from "../stack/marks.ts";
import type { Stack } from "../stack/open-stack.ts";
import { pause } from "../wait/pause.ts";
import { openNotes } from "./notes.ts";
import { provocations } from "./provocations.ts";

/** `SignalingReplicaDown` as marks have it: `signaling-replica-down`. */
const kebab = (alert: string) => alert.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();

/**
 * Raises an alert and waits until it reached the webhook. What has to go on for it (load, signals) goes on until
 * `signal` is aborted or somebody ends the provocation (`make heal`); `until` says when that is to be.
 *
 * @param fired told once, when the alert has come, or undefined when it did not in time
 */
export async function provoke(
  stack: Stack,
  alert: string,
  signal: AbortSignal,
  fired: (received: ReceivedAlert | undefined, afterMs: number) => void,
): Promise<void> {
  const provocation = provocations[alert];
  if (provocation === undefined) throw new Error(`no provocation of ${alert}`);
  const { endpoints } = stack.engine;
  const book = openNotes(stack);
  const notes = new Map<string, string>();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const context = { stack, notes, signal: ended };
  book.save(alert, notes);
  await mark("PUT", endpoints, "provoke", kebab(alert));
  const since = Date.now();
  try {
    await provocation.begin(context);
  } catch (error) {
    // Half begun: what there is of it is undone.
    book.save(alert, notes);
    await endProvocations(stack);
    throw error;
  }
  book.save(alert, notes);
  const watching = awaitAlert(
    endpoints.callerAdmin,
    { name: alert, status: "firing", since, withinMs: provocation.withinSeconds * 1_000 },
    ended,
  ).then((received) => fired(received, (received?.at ?? Date.now()) - since));
  while (provocation.goOn !== undefined && !ended.aborted) {
    await provocation.goOn(context);
    if (!book.alerts().includes(alert)) over.abort();
  }
  await watching;
}

/** Undoes every provocation on record, or one; what it broke as a chaos action would is left to `heal`. */
export async function endProvocations(stack: Stack): Promise<string[]> {
  const book = openNotes(stack);
  const done: string[] = [];
  for (const alert of book.alerts()) {
    const notes = book.of(alert);
    // Gone first: a process that keeps it going sees that, and stops.
    book.forget(alert);
    await pause(provocations[alert]?.goOn === undefined ? 0 : 1_500);
    try {
      await provocations[alert]?.end?.({ stack, notes });
      done.push(`ended the provocation of ${alert}`);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      done.push(`warning: the provocation of ${alert} is not all undone: ${error.message}`);
    }
    const warning = await mark("DELETE", stack.engine.endpoints, "provoke", kebab(alert));
    if (warning !== undefined) done.push(`warning: ${warning}`);
  }
  return done;
}
