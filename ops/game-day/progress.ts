import { seal } from "../../common/seal.ts";
import { changeAdmin, HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import type { Fault } from "./faults.ts";

/**
 * Tells the boards that a game day runs and how far it is. The fault is sealed with the TRAINER_TOKEN: everybody may
 * read the mark, and the trainer alone the fault.
 */
export async function tellProgress(stack: Stack, fault: Fault, phase: string): Promise<void> {
  const { trainerToken: token } = stack;
  const { endpoints } = stack.engine;
  try {
    await changeAdmin(endpoints, "PUT", `${endpoints.callerAdmin}/marks/drill/game-day`, {
      claim: "Something is broken, and nobody says what: detect it, name it, heal it.",
      phase,
      ...(token === undefined ? {} : { sealed: seal(`${fault.action} ${fault.target}`, token) }),
    });
  } catch (error) {
    // The game goes on without a board.
    if (!(error instanceof HttpError)) throw error;
  }
}
