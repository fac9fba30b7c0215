import type { Stack } from "../stack/open-stack.ts";

/** The context of a provocation. */
export interface ProvokeContext {
  stack: Stack;
  /** Carries out a chaos action. */
  act(action: string, target: string, options?: { latencyMs: number; jitterMs: number }): Promise<unknown>;
  /** Notes kept until a process ends the provocation: a run of calls, a value to restore. */
  notes: Map<string, string>;
  /** Aborted when the provocation must end. */
  signal: AbortSignal;
}

/** A way to raise one alert by ordinary means: signals, admin endpoints, settings, bounded load. */
export interface Provocation {
  /** Its action, in one line. */
  how: string;
  begin(context: ProvokeContext): Promise<void>;
  /** Repeated while it lasts. Each run takes about a second. */
  goOn?(context: ProvokeContext): Promise<void>;
  /** Undoes effects that `make heal` cannot find by inspecting the stack. */
  end?(context: Omit<ProvokeContext, "signal" | "act">): Promise<void>;
  /** Longest from `begin` to the alert at the webhook, s. */
  withinSeconds: number;
}
