import { seal } from "../../common/seal.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { Fault } from "./faults.ts";

/**
 * Tells the boards the progress of a game day. Anyone may read the mark. The fault in it is encrypted with the
 * TRAINER_TOKEN, so only the trainer can read it.
 */
export async function tellProgress(stack: Stack, fault: Fault, phase: string): Promise<void> {
  const { trainerToken: token } = stack;
  const { endpoints } = stack.engine;
  try {
    await changeAdmin(endpoints, "PUT", `${endpoints.callerAdmin}/marks/drill/game-day`, {
      claim: "A hidden fault is in force: detect it, name it, heal it.",
      phase,
      ...(token === undefined ? {} : { sealed: seal(`${fault.action} ${fault.target}`, token) }),
    });
  } catch (error) {
    // The game continues without a board.
    if (!(error instanceof HttpError)) throw error;
  }
}
