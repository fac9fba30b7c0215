import type { Stack } from "../stack/open-stack.ts";

/** What a provocation is carried out with. */
export interface ProvokeContext {
  stack: Stack;
  /** Carries out a chaos action. */
  act(action: string, target: string, options?: { latencyMs: number; jitterMs: number }): Promise<unknown>;
  /** Kept until the provocation is ended, by whichever process: a run of calls, a value to put back. */
  notes: Map<string, string>;
  /** Aborted when it shall end. */
  signal: AbortSignal;
}

/** A way to raise one alert by ordinary means: signals, admin endpoints, settings, bounded load. */
export interface Provocation {
  /** What is done, one line. */
  how: string;
  begin(context: ProvokeContext): Promise<void>;
  /** Done again and again while it lasts; each time takes about a second. */
  goOn?(context: ProvokeContext): Promise<void>;
  /** Undoes what `make heal` would not find by looking at the stack. */
  end?(context: Omit<ProvokeContext, "signal" | "act">): Promise<void>;
  /** Longest from `begin` to the alert at the webhook, s. */
  withinSeconds: number;
}
