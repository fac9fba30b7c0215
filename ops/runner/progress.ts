import type { DrillProgress } from "../../common/pulse.ts";
import type { Drill, Observation } from "../drills/define-drill.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { judge } from "./verdict.ts";

/** Tells the board a drill's progress: its claim, its phase, and the state of each expectation. */
export function createProgress(stack: Stack, drill: Drill) {
  const { endpoints } = stack.engine;
  const told: DrillProgress = {
    claim: drill.claim,
    phase: "",
    expectations: drill.expect.map(({ name, unit, bound }) => ({
      name,
      bound: `${"max" in bound ? `≤ ${bound.max}` : `≥ ${bound.min}`}${unit === "" ? "" : ` ${unit}`}`,
      measured: null,
      unit,
      ok: null,
    })),
  };
  async function tell(): Promise<void> {
    try {
      await changeAdmin(endpoints, "PUT", `${endpoints.callerAdmin}/marks/drill/${drill.name}`, told, 1_000);
    } catch (error) {
      // The mark is for viewers. The drill does not need it.
      if (!(error instanceof HttpError)) throw error;
    }
  }
  return {
    phase(phase: string): Promise<void> {
      told.phase = phase;
      return tell();
    },
    /** Compares the observation so far with the expectations. An expectation without a figure stays open. */
    observe(seen: Observation): Promise<void> {
      told.expectations = judge(drill, seen).map(({ name, bound, measured, unit, ok }) => ({
        name,
        bound,
        measured,
        unit,
        ok: measured === null ? null : ok,
      }));
      return tell();
    },
  };
}
